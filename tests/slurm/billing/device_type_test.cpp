// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/device_type.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

TEST(DeviceType, IsTheKnownTypeThatTheDriversNameContains) {
    EXPECT_EQ(gpu_type_of("NVIDIA H100 80GB HBM3", {"h800", "h100"}), "h100");
    EXPECT_EQ(gpu_type_of("NVIDIA A100-SXM4-80GB", {"a100", "a100-sxm4"}), "a100-sxm4");
    EXPECT_EQ(gpu_type_of("NVIDIA A100-SXM4-80GB", {"nvidia_a100_sxm4_80gb"}),
              "nvidia_a100_sxm4_80gb");
}

TEST(DeviceType, IsTheModelWhereNoneIsKnown) {
    EXPECT_EQ(gpu_type_of("NVIDIA H100 80GB HBM3", {}), "h100");
    EXPECT_EQ(gpu_type_of("NVIDIA A100-SXM4-80GB", {"h800", ""}), "a100");
    EXPECT_EQ(gpu_type_of("NVIDIA GeForce RTX 4090", {}), "4090");
    EXPECT_EQ(gpu_type_of("", {}), "");
}

TEST(DeviceType, SeveralAreJoinedInOrder) {
    EXPECT_EQ(gpu_types_of({"NVIDIA H100 PCIe", "NVIDIA A100-PCIE-40GB"}, {}), "a100+h100");
    EXPECT_EQ(gpu_types_of({}, {"h100"}), "");
}

}  // namespace
}  // namespace r1
