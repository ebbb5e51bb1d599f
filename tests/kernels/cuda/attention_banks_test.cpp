// SPDX-License-Identifier: Apache-2.0
// Whether tiles lie in shared memory such that tensor cores get their rows in one turn. Only the
// emulated GPU can say.
#include <gtest/gtest.h>

#include "kernels/cuda/ops.h"
#include "tests/emulated_gpu/emulated_gpu.h"
#include "tests/kernels/cuda/gpu_test.h"

namespace r1::test {

namespace {

TEST(CudaAttentionBanks, NoTwoRowsOfAMatrixAreInTheSameBanks) {
    const DeviceValues<std::int32_t> offsets(std::vector<std::int32_t>{0, 20});
    const PackedSequences sequences{offsets.data(), 1, 20, 20};
    for (const std::int32_t head_dim : {32, 64, 128, 256}) {
        const HeadShape shape{2, 1, head_dim};
        const auto query = static_cast<std::size_t>(20 * shape.query_width());
        const auto all = static_cast<std::size_t>(20 * shape.qkv_width());
        const DeviceValues<Bf16> qkv(all), dqkv(all), out(query), dout(query);
        const DeviceValues<float> lse(40), dot(40);
        cuda::Scratch scratch;
        const std::int64_t before = emulated::bank_conflicts();
        cuda::attention_forward(out.data(), lse.data(), qkv.data(), sequences, shape, nullptr);
        cuda::attention_backward(dqkv.data(), dot.data(), dout.data(), out.data(), lse.data(),
                                 qkv.data(), sequences, shape, scratch, nullptr);
        EXPECT_EQ(emulated::bank_conflicts(), before) << head_dim;
    }
}

}  // namespace

}  // namespace r1::test
