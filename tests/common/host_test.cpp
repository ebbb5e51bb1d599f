// SPDX-License-Identifier: Apache-2.0
#include "common/host.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace r1 {

TEST(HostName, IsNotEmpty) {
    EXPECT_FALSE(host_name().empty());
}

TEST(NodeName, IsSlurmsWhereThereIsOne) {
    unsetenv("SLURMD_NODENAME");
    EXPECT_EQ(node_name(), host_name());
    setenv("SLURMD_NODENAME", "gpu-07", 1);
    EXPECT_EQ(node_name(), "gpu-07");
    unsetenv("SLURMD_NODENAME");
}

}  // namespace r1
