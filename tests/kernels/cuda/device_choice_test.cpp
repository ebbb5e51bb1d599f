// SPDX-License-Identifier: Apache-2.0
// Which GPUs are refused. On the emulated GPU alone, which may be any.
#include <gtest/gtest.h>

#include "common/error.h"
#include "kernels/backend.h"
#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::test {
namespace {

class DeviceChoice : public testing::Test {
  protected:
    void TearDown() override { emulated::set_devices({}); }
    static std::string refusal(int index) {
        try {
            make_cuda_backend<Bf16>(index);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::kLibrary);
            return error.what();
        }
        return "";
    }
};

TEST_F(DeviceChoice, NewerThanAmpereIsTaken) {
    EXPECT_EQ(refusal(0), "");
    emulated::set_devices({.count = 2, .major = 8, .minor = 0});
    EXPECT_EQ(refusal(1), "");
}

TEST_F(DeviceChoice, OlderIsRefusedByName) {
    emulated::set_devices({.count = 1, .major = 7, .minor = 5});
    EXPECT_EQ(refusal(0), "CUDA: GPU 0, emulated, is sm_75; sm_80 or newer is needed");
}

TEST_F(DeviceChoice, OneThatIsNotThereIsRefused) {
    EXPECT_EQ(refusal(1), "CUDA: GPU 1 was asked for, but this process sees 1, counted from 0");
    EXPECT_EQ(refusal(-1), "CUDA: GPU -1 was asked for, but this process sees 1, counted from 0");
    emulated::set_devices({.count = 0});
    EXPECT_EQ(refusal(0).rfind("CUDA: this process sees no GPU: ", 0), 0U) << refusal(0);
}

TEST_F(DeviceChoice, NothingIsLeftBehind) {
    const std::size_t before = emulated::live_allocations();
    { const auto backend = make_cuda_backend<float>(0); }
    EXPECT_EQ(emulated::live_allocations(), before);
    // Room for neither the workspace nor, then, anything else.
    emulated::set_devices({.memory_bytes = std::size_t{1} << 20});
    EXPECT_NE(refusal(0).find("cudaMalloc of the workspace of matrix products"), std::string::npos)
        << refusal(0);
    EXPECT_EQ(emulated::live_allocations(), before);
}

}  // namespace
}  // namespace r1::test
