// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rank_device.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "common/gpu_inventory.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

bool begins_with(const std::string& text, const std::string& start) {
    return text.substr(0, start.size()) == start;
}

TEST(RankDevice, CpuIsTakenWhenItIsAskedFor) {
    const RankDevice device = make_rank_device(test::tiny_recipe({"resources.device=cpu"}));
    EXPECT_TRUE(begins_with(device.backend->name(), "cpu ")) << device.backend->name();
    EXPECT_EQ(device.why, "resources.device is cpu");
    EXPECT_EQ(device.uuid, "");
}

TEST(RankDevice, Bf16OnACpuIsComputedInPlainLoopsAndSaysSo) {
    const RankDevice device =
        make_rank_device(test::tiny_recipe({"resources.device=cpu", "training.precision=bf16"}));
    EXPECT_NE(dynamic_cast<Backend<Bf16>*>(device.backend.get()), nullptr);
    EXPECT_NE(device.why.find("plain loops"), std::string::npos) << device.why;
}

TEST(RankDevice, AutoWithoutAGpuTakesTheCpuAndSaysWhy) {
    if (!list_gpus().empty()) GTEST_SKIP() << "this machine has a GPU";
    const RankDevice device = make_rank_device(test::tiny_recipe({"resources.device=auto"}));
    EXPECT_NE(dynamic_cast<Backend<float>*>(device.backend.get()), nullptr);
    EXPECT_EQ(device.why, "resources.device is auto, and this process sees no GPU");
}

TEST(RankDevice, AutoInStrictModeTakesTheCpu) {
    const RankDevice device =
        make_rank_device(test::tiny_recipe({"resources.device=auto", "deterministic=strict"}));
    EXPECT_TRUE(begins_with(device.backend->name(), "cpu ")) << device.backend->name();
}

TEST(RankDevice, CudaWithoutAGpuIsRefusedWithTheRemedy) {
    if (!list_gpus().empty()) GTEST_SKIP() << "this machine has a GPU";
    try {
        make_rank_device(test::tiny_recipe({"resources.device=cuda"}));
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        EXPECT_NE(std::string(error.what()).find("use cpu or auto"), std::string::npos);
    }
}

}  // namespace
}  // namespace r1
