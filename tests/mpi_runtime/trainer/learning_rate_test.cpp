// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/learning_rate.h"

#include <gtest/gtest.h>

namespace r1 {
namespace {

OptimizerSection section(std::int64_t warmup, Schedule schedule) {
    OptimizerSection optimizer;
    optimizer.learning_rate = 2.0;
    optimizer.warmup_steps = warmup;
    optimizer.schedule = schedule;
    optimizer.final_learning_rate_ratio = 0.1;
    return optimizer;
}

TEST(LearningRate, WarmupRisesLinearlyToTheFullRateAtItsLastStep) {
    for (const Schedule schedule : {Schedule::kConstant, Schedule::kCosine}) {
        const OptimizerSection optimizer = section(4, schedule);
        EXPECT_DOUBLE_EQ(learning_rate_at(optimizer, 0, 100), 0.5);
        EXPECT_DOUBLE_EQ(learning_rate_at(optimizer, 1, 100), 1.0);
        EXPECT_DOUBLE_EQ(learning_rate_at(optimizer, 3, 100), 2.0);
        EXPECT_DOUBLE_EQ(learning_rate_at(optimizer, 4, 100), 2.0);
    }
}

TEST(LearningRate, ConstantStaysAtTheFullRateFromTheFirstStepWithoutWarmup) {
    const OptimizerSection optimizer = section(0, Schedule::kConstant);
    for (const std::int64_t step : {0, 1, 50, 99})
        EXPECT_EQ(learning_rate_at(optimizer, step, 100), 2.0);
}

TEST(LearningRate, CosineIsHalfWayInTheMiddleAndEndsAtItsFloor) {
    const OptimizerSection optimizer = section(10, Schedule::kCosine);
    EXPECT_DOUBLE_EQ(learning_rate_at(optimizer, 10, 111), 2.0);
    EXPECT_NEAR(learning_rate_at(optimizer, 60, 111), 0.5 * (2.0 + 0.2), 1e-12);
    EXPECT_NEAR(learning_rate_at(optimizer, 110, 111), 0.2, 1e-12);
    // A quarter of the way: 0.1 + 0.9 · (1 + cos(π/4)) / 2 of the full rate.
    EXPECT_NEAR(learning_rate_at(optimizer, 35, 111), 2.0 * (0.1 + 0.9 * 0.8535533905932737),
                1e-12);
}

TEST(LearningRate, CosineOfOneStepAfterTheWarmupIsDefined) {
    EXPECT_DOUBLE_EQ(learning_rate_at(section(0, Schedule::kCosine), 0, 1), 2.0);
    EXPECT_DOUBLE_EQ(learning_rate_at(section(3, Schedule::kCosine), 3, 4), 2.0);
}

}  // namespace
}  // namespace r1
