// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/system/slurm/cluster.h"
#include "tests/system/slurm/submitted_run.h"

namespace r1 {

/// The tests of one program share a cluster of four nodes.
class OnCluster : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        if (why_no_cluster().empty()) cluster = std::make_unique<Cluster>();
    }
    static void TearDownTestSuite() { cluster.reset(); }
    void SetUp() override {
        if (!cluster) GTEST_SKIP() << why_no_cluster();
    }
    inline static std::unique_ptr<Cluster> cluster;
};

}  // namespace r1
