// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "checkpoint/checkpoint.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {

/// Runs that are stopped in their middle, beside one that nobody touched.
class StoppedRuns : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        untouched = std::make_unique<OneRun>(long_recipe());
        const Transcript transcript = untouched->start();
        ASSERT_TRUE(transcript.end.ok()) << transcript.all();
    }
    static void TearDownTestSuite() { untouched.reset(); }

    static void wait_for(OneRun& one, R1ctl& command, std::int64_t step) {
        const RunDirectory run = one.run();
        ASSERT_TRUE(wait_until([&] { return newest_step(run) >= step || command.ended(); }, 40));
        ASSERT_FALSE(command.ended()) << command.wait().all();
    }
    static void expect_resumes(OneRun& one) {
        const Transcript transcript = one.resume();
        EXPECT_TRUE(transcript.end.ok()) << transcript.all();
        EXPECT_EQ(one.state(), "completed");
        expect_same_results(untouched->run(), one.run());
    }
    static std::int64_t newest_checkpoint(const OneRun& one) {
        const auto steps = list_checkpoints(one.run().checkpoints());
        return steps.empty() ? 0 : steps.back();
    }

    static inline std::unique_ptr<OneRun> untouched;
};

}  // namespace r1
