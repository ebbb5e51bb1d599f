// SPDX-License-Identifier: Apache-2.0
// What the `checkpoint` section of a recipe does to a real run.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "common/file.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

using Steps = std::vector<std::int64_t>;

std::string with_section(const std::string& keys) {
    return with(small_recipe(), "  every_steps: 5\n  keep_last: 3\n", keys);
}

Steps steps_of(const OneRun& one) {
    return list_checkpoints(one.run().checkpoints());
}

TEST(CheckpointPolicy, KeepsTheLastEveryNthAndTheEndsOfStages) {
    OneRun one(with_section("  every_steps: 2\n  keep_every: 10\n"));
    const Transcript transcript = one.start();
    ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    // keep_last is 2: 40 and 42, of which the last is also the end of a stage, as 30 is.
    EXPECT_EQ(steps_of(one), (Steps{10, 20, 30, 40, 42}));
}

TEST(CheckpointPolicy, KeepsTheBestByAMetric) {
    OneRun one(
        with_section("  every_steps: 5\n  keep_last: 1\n  keep_best: 1\n"
                     "  best_metric: sft/loss\n  best_is: lowest\n"));
    const Transcript transcript = one.start();
    ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    std::int64_t best = 0;
    double lowest = 1e9;
    for (const Json& line : json_lines(one.run().metrics())) {
        const auto step = line.at("step").get<std::int64_t>();
        if (!line.contains("sft/loss") || step % 5 != 0) continue;
        if (line.at("sft/loss").get<double>() < lowest) {
            lowest = line.at("sft/loss").get<double>();
            best = step;
        }
    }
    const Steps kept = steps_of(one);
    EXPECT_TRUE(std::find(kept.begin(), kept.end(), best) != kept.end()) << best;
    EXPECT_LE(kept.size(), 3u);
}

TEST(CheckpointPolicy, AutoSavesOnceToLearnAndThenRarely) {
    OneRun one(with_section("  interval: auto\n"));
    const Transcript transcript = one.start();
    ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    // The first step's, and the ends of the stages: the next would be due in minutes.
    const Steps kept = steps_of(one);
    EXPECT_EQ(kept.back(), kAllSteps);
    std::int64_t saves = 0;
    for (const Json& line : json_lines(one.run().metrics()))
        saves += line.contains("timing_s/save") ? 1 : 0;
    EXPECT_LE(saves, 2);
    EXPECT_GE(saves, 1);
}

TEST(CheckpointPolicy, EachRankWritesAFileAndTheReferenceLiesOnTheDiskOnce) {
    OneRun one(with_section("  every_steps: 1\n  keep_last: 3\n  writers: rank\n"));
    const Transcript transcript = one.start();
    ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    const auto folder = one.run().checkpoints() / checkpoint_name(kAllSteps);
    for (const char* name : {"w00000-of-00002.h5", "w00001-of-00002.h5", "index.h5"})
        EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
    int shared = 0;
    for (const FileEntry& file : read_manifest(folder).files) {
        struct stat status {};
        ASSERT_EQ(::stat((folder / file.name).c_str(), &status), 0);
        if (file.name.starts_with("reference-") && status.st_nlink > 1) ++shared;
        if (file.name.starts_with("w0")) {
            EXPECT_EQ(status.st_nlink, 1u);
        }
    }
    EXPECT_EQ(shared, 2) << "one a rank";
}

TEST(CheckpointPolicy, ASecondJobOnTheRunIsRefusedWithItsHolder) {
    OneRun one(with_section("  every_steps: 5\n"));
    R1ctl command = one.begin();
    const Moment trains = after_step(3);
    ASSERT_TRUE(wait_until([&] { return trains(one.run()) || command.ended(); }, 40));
    ASSERT_FALSE(command.ended()) << command.wait().all();
    EXPECT_TRUE(std::filesystem::exists(one.run().writer()));
    const Transcript second =
        r1ctl_rank(one.path(), {"train", "--run", one.run().root().string(), "--attempt", "1"});
    EXPECT_EQ(second.end.exit_code, 1) << second.all();
    EXPECT_NE(second.err.find("is being written by attempt 1 on "), std::string::npos)
        << second.all();
    const Transcript transcript = command.wait();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    EXPECT_FALSE(std::filesystem::exists(one.run().writer())) << "it was not given back";
}

}  // namespace
}  // namespace r1
