// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/slurm/forecast/forecast_fixture.h"

namespace r1 {
namespace {

using testing::deepseek_v3;
using testing::dense;

double billions(const ModelSection& model) {
    return count_parameters(model, vocabulary_of(model)).total / 1e9;
}

ModelSection qwen(ModelSection model, bool tied) {
    model.attention_bias = true;
    model.tie_word_embeddings = tied;
    return model;
}

TEST(ModelCount, PublishedDenseModels) {
    EXPECT_NEAR(billions(qwen(dense(1536, 8960, 28, 12, 2, 128, 151936), true)), 1.5437, 0.0001);
    EXPECT_NEAR(billions(qwen(dense(3584, 18944, 28, 28, 4, 128, 152064), false)), 7.6156, 0.0001);
    EXPECT_NEAR(billions(qwen(dense(5120, 27648, 64, 40, 8, 128, 152064), false)), 32.764, 0.001);
    EXPECT_NEAR(billions(dense(4096, 14336, 32, 32, 8, 128, 128256)), 8.0303, 0.0001);
    EXPECT_NEAR(billions(dense(8192, 28672, 80, 64, 8, 128, 128256)), 70.554, 0.001);
}

TEST(ModelCount, DeepSeekV3HasItsTwoPublishedNumbers) {
    const ModelCount count = count_parameters(deepseek_v3(), 129280);
    EXPECT_NEAR(count.total / 1e9, 671, 0.1);
    // README_WEIGHTS.md of DeepSeek-V3 says 36.7, which its report rounds to 37.
    EXPECT_NEAR(count.active / 1e9, 36.7, 0.1);
    EXPECT_NEAR(count.experts / 1e9, 58 * 256 * 3 * 7168 * 2048.0 / 1e9, 1e-6);
}

TEST(ModelCount, ATiedTableIsMultipliedWith) {
    ModelSection model = dense(10, 20, 2, 1, 1, 10, 1000);
    const ModelCount untied = count_parameters(model, 1000);
    EXPECT_EQ(untied.total, 22050);
    EXPECT_EQ(untied.active, 12050);
    EXPECT_EQ(untied.embedding, 10000);
    model.tie_word_embeddings = true;
    const ModelCount tied = count_parameters(model, 1000);
    EXPECT_EQ(tied.total, 12050);
    EXPECT_EQ(tied.active, 12050);
    EXPECT_EQ(tied.embedding, 0);
}

TEST(ModelCount, TheTokenizersWordsCountWhereTheModelSaysNone) {
    EXPECT_EQ(vocabulary_of(dense(10, 20, 2, 1, 1, 10, 0)), 261);
    EXPECT_EQ(vocabulary_of(dense(10, 20, 2, 1, 1, 10, 5)), 5);
}

TEST(ModelCount, LatentsAreCachedInThePlaceOfKeysAndValues) {
    EXPECT_EQ(token_cost(deepseek_v3(), 129280).cache_values, 61 * (512 + 64));
    EXPECT_EQ(token_cost(dense(10, 20, 2, 1, 1, 10, 5), 5).cache_values, 2 * 2 * 10);
}

TEST(Hardware, IsFoundByTheNamesThatSlurmHas) {
    const auto h800 = find_hardware("H800");
    ASSERT_TRUE(h800);
    EXPECT_EQ(h800->flops, 989.4e12);
    EXPECT_EQ(h800->memory, 80e9);
    EXPECT_EQ(h800->node_bandwidth, 200e9);
    EXPECT_EQ(h800->network_bandwidth, 50e9);
    EXPECT_EQ(h800->source, "NVIDIA H800 data sheet");
    EXPECT_EQ(find_hardware("nvidia_h100_80gb_hbm3")->name, "h100");
    EXPECT_EQ(find_hardware("NVIDIA H100 PCIe")->name, "h100_pcie");
    EXPECT_EQ(find_hardware("nvidia_a100-sxm4-80gb")->memory, 80e9);
    EXPECT_EQ(find_hardware("a100")->memory, 40e9);
    EXPECT_EQ(find_hardware("nvidia_geforce_rtx_4090")->memory, 24e9);
    EXPECT_EQ(find_hardware("h20")->flops, 148e12);
}

TEST(Hardware, WhatIsNotAWholeKnownGpuIsNotFound) {
    EXPECT_FALSE(find_hardware(""));
    EXPECT_FALSE(find_hardware("tpu"));
    EXPECT_FALSE(find_hardware("h2000"));
    EXPECT_FALSE(find_hardware("a100_3g.20gb"));
}

}  // namespace
}  // namespace r1
