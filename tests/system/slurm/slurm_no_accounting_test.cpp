// SPDX-License-Identifier: Apache-2.0
// A cluster without accounting: the run's own records tell what became of it.
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "tests/system/slurm/on_cluster.h"

namespace r1 {
namespace {

TEST(NoAccounting, IsNotNeededToQueueAndToFollowARun) {
    if (!why_no_cluster().empty()) GTEST_SKIP() << why_no_cluster();
    const Cluster cluster({"--no-accounting", "--nodes", "2"});
    const SubmittedRun one;
    one.wait_for_step(20);
    slurm({"scontrol", "requeue", std::to_string(one.job())});
    const Transcript waited = one.call({"wait"}, 120);
    EXPECT_TRUE(waited.end.ok()) << waited.all();
    const Transcript status = one.call({"status", "--json"});
    const Json row = Json::parse(status.out).at("runs").at(0);
    EXPECT_EQ(row.at("state"), "completed") << status.all();
    EXPECT_EQ(row.at("usage").at("attempts"), 2);
    EXPECT_GT(row.at("usage").at("gpu_ms").get<double>(), 0);
    one.expect_untouched_results();
}

}  // namespace
}  // namespace r1
