// SPDX-License-Identifier: Apache-2.0
// A run may cost so much and no more: it saves and stops before, and says so.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "common/file.h"
#include "common/json.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

constexpr std::int64_t kSteps = 600;

/// Two cores at one dollar a second each.
std::string paid_recipe(const std::string& budget) {
    return with(small_recipe(), "steps: 30", "steps: " + std::to_string(kSteps)) +
           "\ncost:\n  price_per_core_hour: 3600.00\n  budget: " + budget + "\n";
}

double cost_of_run(const OneRun& one) {
    const Json summary = Json::parse(read_file(one.run().summary()));
    return std::stod(summary.at("usage").at("cost").at("USD").get<std::string>());
}

TEST(Budget, ARunThatReachesItSavesStopsAndSaysSo) {
    OneRun one(paid_recipe("3.00"));
    const Transcript first = one.start();
    EXPECT_EQ(first.end.exit_code, 6) << first.all();
    EXPECT_NE(first.err.find("the run's budget of 3.00 USD is used up"), std::string::npos)
        << first.err;
    EXPECT_NE(first.err.find("--budget"), std::string::npos) << first.err;
    EXPECT_EQ(one.state(), "stopped");
    const std::int64_t stopped = newest_step(one.run());
    EXPECT_GT(stopped, 0);
    EXPECT_LT(stopped, kSteps);
    EXPECT_EQ(list_checkpoints(one.run().checkpoints()).back(), stopped);
    EXPECT_NE(read_file(one.run().attempt_log(1)).find("80% of the run's budget of 3.00 USD"),
              std::string::npos);
    // It stops a step and two saves early, and the end of the processes comes on top.
    EXPECT_GT(cost_of_run(one), 1.50);
    EXPECT_LT(cost_of_run(one), 6.00);

    EXPECT_EQ(one.resume().end.exit_code, 6);

    const Transcript more =
        r1ctl(one.path(), {"resume", one.run().root().string(), "--quiet", "--budget", "500.00"});
    EXPECT_TRUE(more.end.ok()) << more.all();
    EXPECT_EQ(one.state(), "completed");
}

TEST(Budget, WithoutAPriceIsRefusedBeforeAnythingStarts) {
    OneRun one(small_recipe() + "\ncost:\n  budget: 3.00\n");
    const Transcript transcript = one.start();
    EXPECT_EQ(transcript.end.exit_code, 2) << transcript.all();
    EXPECT_NE(transcript.err.find("what this run costs is not known"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(one.path() / "runs")) << transcript.all();
}

}  // namespace
}  // namespace r1
