// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/memory_plan.h"

#include <gtest/gtest.h>

#include "bench/gpu/shapes.h"

namespace r1::bench {
namespace {

TEST(MemoryPlan, HoldsTheFlatBuffersOfAGpu) {
    // A parameter: 2 of weights, 4 of gradients, 12 of masters and moments; and what CUDA takes.
    const double flat = 18 * 1543714304.0 + 2e9;
    const double one_row = planned_memory(qwen2_1_5b(), 1, 1, true);
    EXPECT_GT(one_row, flat);
    EXPECT_LT(one_row, flat + 1.5e9);  // logits of 512 rows, and a prefill
}

TEST(MemoryPlan, RecomputingKeepsOneBlockAndTheInputs) {
    // A block keeps 4·hidden, q|k|v and attention's output, 3·intermediate and a sum a head.
    const double block = 4 * 1536 + 2048 + 1536 + 3 * 8960 + 12;
    const double saved = 28 * block - (28 * 1536 + block);
    const ModelShape shape = qwen2_1_5b();
    EXPECT_EQ(planned_memory(shape, 4, 4096, false) - planned_memory(shape, 4, 4096, true),
              16384 * 2 * saved);
}

}  // namespace
}  // namespace r1::bench
