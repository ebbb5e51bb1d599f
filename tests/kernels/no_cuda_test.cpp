// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "common/error.h"
#include "kernels/backend.h"
#include "kernels/cuda/stream.h"

namespace r1::test {
namespace {

TEST(NoCuda, SaysThatTheBuildHasNone) {
    try {
        make_cuda_backend<Bf16>(0);
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        EXPECT_STREQ(error.what(),
                     "this build of r1ctl has no CUDA; build it where nvcc is (-DR1_CUDA=ON), or "
                     "choose the device cpu");
    }
    EXPECT_THROW(make_cuda_backend<float>(0), Error);
}

TEST(NoCuda, NoDeviceHasAStream) {
    EXPECT_EQ(cuda_stream_of(*make_reference_backend<float>()), nullptr);
    EXPECT_EQ(cuda_watches_of(*make_reference_backend<float>()), nullptr);
}

}  // namespace
}  // namespace r1::test
