// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/slurm/forecast/forecast_fixture.h"

namespace r1 {
namespace {

using testing::deepseek_v3;
using testing::dense;
using testing::perfect;
using testing::round_device;
using testing::small_model;

double part(const Recipe& recipe, std::size_t stage, const Layout& layout,
            const std::string& name) {
    const MemoryForecast memory =
        memory_of(recipe, recipe.stages[stage], layout, round_device(), perfect());
    for (const MemoryPart& found : memory.parts)
        if (found.name == name) return found.bytes;
    return -1;
}

const Layout kCpu{1, 1, 1, false};
const Layout kGpu{1, 1, 1, true};
constexpr double kParameters = 22050;

TEST(Memory, OfSinglePrecisionIsSixteenBytesAParameter) {
    EXPECT_EQ(part(small_model(), 0, kCpu, "weights"), 4 * kParameters);
    EXPECT_EQ(part(small_model(), 0, kCpu, "gradients"), 4 * kParameters);
    EXPECT_EQ(part(small_model(), 0, kCpu, "optimizer"), 8 * kParameters);
}

TEST(Memory, OfHalfPrecisionKeepsTheWeightsAtFullWidthToo) {
    EXPECT_EQ(part(small_model(), 0, kGpu, "weights"), 2 * kParameters);
    EXPECT_EQ(part(small_model(), 0, kGpu, "gradients"), 4 * kParameters);
    EXPECT_EQ(part(small_model(), 0, kGpu, "optimizer"), 12 * kParameters);
    Recipe wide = small_model();
    wide.training.precision = Precision::kFp32;
    EXPECT_EQ(part(wide, 0, kGpu, "weights"), 4 * kParameters);
}

TEST(Memory, DataParallelRanksShareWhatZeroSays) {
    const Layout four{4, 1, 1, true};
    Recipe recipe = small_model();
    EXPECT_EQ(part(recipe, 0, four, "optimizer"), 12 * kParameters / 4);
    EXPECT_EQ(part(recipe, 0, four, "gradients"), 4 * kParameters);
    // 20,000 are the embedding and the output projection, a layer has 1,020, and the 10 of the last
    // norm are spread over the layers. A backward pass has two layers' gradients and the ends', a
    // training pass three layers' weights and the ends', and a rollout all weights.
    recipe.model.num_hidden_layers = 10;
    constexpr double kEnds = 20000, kLayer = 1020 + 1, kDeep = kEnds + 10 * kLayer;
    recipe.parallel.zero = 2;
    EXPECT_EQ(part(recipe, 0, four, "gradients"), 4 * (kDeep / 4 + kEnds + 2 * kLayer));
    EXPECT_EQ(part(recipe, 0, four, "weights"), 2 * kDeep);
    recipe.parallel.zero = 3;
    EXPECT_EQ(part(recipe, 0, four, "weights"), 2 * (kDeep / 4 + kEnds + 3 * kLayer + kDeep));
    recipe.model.num_hidden_layers = 2;
    EXPECT_EQ(part(recipe, 0, four, "weights"), 2 * (kParameters / 4 + kParameters + kParameters));
}

TEST(Memory, TensorAndPipelineRanksDivideTheModel) {
    Recipe recipe = small_model();
    recipe.parallel.tensor = 2;
    recipe.parallel.pipeline = 2;
    EXPECT_EQ(part(recipe, 0, {4, 1, 1, true}, "weights"), 2 * kParameters / 4);
    EXPECT_EQ(part(recipe, 0, {4, 1, 1, true}, "optimizer"), 12 * kParameters / 4);
}

TEST(Memory, ExpertRanksDivideTheExpertsAlone) {
    Recipe recipe = small_model();
    recipe.model = deepseek_v3();
    recipe.parallel.expert = 32;
    const ModelCount count = count_parameters(deepseek_v3(), 129280);
    EXPECT_EQ(part(recipe, 0, {64, 8, 1, true}, "weights"),
              2 * (count.total - count.experts + count.experts / 32));
    EXPECT_NEAR(part(recipe, 0, {64, 8, 1, true}, "optimizer"), 12 * count.total / 64, 1);
}

TEST(Memory, AReferenceIsKeptOnlyForAPenalty) {
    Recipe recipe = small_model();
    EXPECT_EQ(part(recipe, 1, kCpu, "reference"), -1);
    recipe.stages[1].kl_coefficient = 0.001;
    EXPECT_EQ(part(recipe, 1, kCpu, "reference"), 4 * kParameters);
    EXPECT_EQ(part(recipe, 0, kCpu, "reference"), -1);
}

TEST(Memory, TheCacheHoldsEveryPlaceAtItsLongest) {
    // 8 places of 16 prompt and 16 output tokens, and the prompt shared: 3 pages of 16 tokens.
    const double place = 3 * 16 * 2 * 2 * 10 * 4;
    Recipe recipe = small_model();
    EXPECT_EQ(part(recipe, 1, kCpu, "KV cache"), 8 * place);
    recipe.rollout.kv_cache = {static_cast<std::int64_t>(place) * 3 + 5};
    EXPECT_EQ(part(recipe, 1, kCpu, "KV cache"), 3 * place);
}

TEST(Memory, RecomputingKeepsOneBlock) {
    Recipe recipe = small_model();
    recipe.model.num_hidden_layers = 40;
    const double kept = part(recipe, 0, kCpu, "activations");
    recipe.training.recompute = true;
    // 39 blocks of 4 x 10 + 30 + 10 + 60 + 1 values keep the 10 of their input, over 100 tokens;
    // the last one is counted whole.
    EXPECT_EQ(kept - part(recipe, 0, kCpu, "activations"), 100 * (39 * 141 - 40 * 10) * 4.0);
}

TEST(Memory, AFewSequencesFillNoMicroBatch) {
    Recipe recipe = small_model();
    recipe.training.micro_batch_tokens = 1000000;
    EXPECT_EQ(part(recipe, 0, kCpu, "activations"), part(small_model(), 0, kCpu, "activations"));
}

TEST(Memory, StrictModeHoldsAGradientALevel) {
    Recipe recipe = small_model();
    recipe.deterministic = Determinism::kStrict;
    recipe.training.gradient_shards = 8;
    EXPECT_EQ(part(recipe, 0, kCpu, "gradients"), 4 * kParameters * 4);
    EXPECT_EQ(part(recipe, 0, {2, 1, 1, false}, "gradients"), 7 * kParameters * 4);
}

TEST(Memory, RanksThatTheModelDoesNotDivideAreRefused) {
    Recipe recipe = small_model();
    recipe.parallel.tensor = 3;
    try {
        part(recipe, 0, {4, 1, 1, true}, "weights");
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(),
                     "parallel.tensor x parallel.pipeline is 3, and the 4 ranks are no multiple of "
                     "it; change resources.ranks");
    }
}

Recipe llama_8b() {
    Recipe recipe = small_model();
    recipe.model = dense(4096, 14336, 32, 32, 8, 128, 128256);
    recipe.model.max_position_embeddings = 8192;
    recipe.training.micro_batch_tokens = 4096;
    recipe.resources.ranks = 8;
    recipe.stages[0].batch_size = 4096;
    return recipe;
}

TEST(NearestFit, WhatFitsChangesNothing) {
    Hardware large = round_device();
    large.memory = 1e12;
    EXPECT_TRUE(nearest_fit(llama_8b(), {8, 1, 1, true}, large).starts_with("nothing has to"));
}

TEST(NearestFit, TakesSmallerMicroBatchesFirst) {
    Hardware device = round_device();
    const Recipe recipe = llama_8b();
    device.memory =
        memory_of(recipe, recipe.stages[0], {8, 1, 1, true}, device, perfect()).total - 1;
    EXPECT_TRUE(nearest_fit(recipe, {8, 1, 1, true}, device)
                    .starts_with("--set training.micro_batch_tokens=2048: "))
        << nearest_fit(recipe, {8, 1, 1, true}, device);
}

TEST(NearestFit, TakesZeroBeforeMoreRanks) {
    Hardware device = round_device();
    device.memory = 50e9;
    const std::string found = nearest_fit(llama_8b(), {8, 1, 1, true}, device);
    EXPECT_NE(found.find("parallel.zero=2"), std::string::npos) << found;
    EXPECT_EQ(found.find("resources.ranks"), std::string::npos) << found;
}

TEST(NearestFit, SaysNothingWhereNothingFits) {
    Hardware tiny = round_device();
    tiny.memory = 1e9;
    EXPECT_EQ(nearest_fit(llama_8b(), {8, 1, 1, true}, tiny), "");
}

}  // namespace
}  // namespace r1
