// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/evaluation.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

namespace r1 {
namespace {

/// The share of the subsets of size k that hold one of the first c of n samples.
double by_all_subsets(unsigned n, unsigned c, unsigned k) {
    double subsets = 0;
    double with_correct = 0;
    for (unsigned set = 0; set < (1u << n); ++set) {
        if (std::popcount(set) != static_cast<int>(k)) continue;
        subsets += 1;
        with_correct += (set & ((1u << c) - 1)) != 0 ? 1 : 0;
    }
    return with_correct / subsets;
}

TEST(PassAtK, EqualsTheCountOverAllSubsets) {
    for (unsigned n = 1; n <= 8; ++n)
        for (unsigned c = 0; c <= n; ++c)
            for (unsigned k = 1; k <= n; ++k)
                EXPECT_NEAR(pass_at_k(n, c, k), by_all_subsets(n, c, k), 1e-12)
                    << n << ' ' << c << ' ' << k;
}

TEST(PassAtK, LargeNumbersDoNotOverflow) {
    // C(9999, 100) / C(10000, 100) = 1 − 100/10000.
    EXPECT_NEAR(pass_at_k(10000, 1, 100), 0.01, 1e-12);
    EXPECT_EQ(pass_at_k(10000, 0, 10000), 0);
    EXPECT_EQ(pass_at_k(4096, 1, 4096), 1);
}

TEST(SummariseCorrect, MeansAreOverPromptsAndTheIntervalIsFromTheirSpread) {
    // Shares 1, 1/2, 0, 1/2: mean 0.5, squares 0.5, error 1.96 · sqrt(0.5 / 3 / 4) = 0.40008.
    const EvaluationResult result = summarise_correct(std::vector<std::int64_t>{4, 2, 0, 2}, 4, 2);
    EXPECT_EQ(result.prompts, 4);
    EXPECT_EQ(result.samples, 4);
    EXPECT_EQ(result.k, 2);
    EXPECT_DOUBLE_EQ(result.pass_at_1, 0.5);
    EXPECT_NEAR(result.pass_at_1_low, 0.5 - 0.4000833, 1e-6);
    EXPECT_NEAR(result.pass_at_1_high, 0.5 + 0.4000833, 1e-6);
    // 1 − C(2,2)/C(4,2) = 5/6 for two of four.
    EXPECT_NEAR(result.pass_at_k, (1 + 5.0 / 6 + 0 + 5.0 / 6) / 4, 1e-12);
}

TEST(SummariseCorrect, IntervalStaysWithinZeroAndOne) {
    const EvaluationResult low = summarise_correct(std::vector<std::int64_t>{0, 0, 1}, 2, 1);
    EXPECT_EQ(low.pass_at_1_low, 0);
    const EvaluationResult high = summarise_correct(std::vector<std::int64_t>{2, 2, 1}, 2, 1);
    EXPECT_EQ(high.pass_at_1_high, 1);
}

TEST(SummariseCorrect, OnePromptSaysNothingAboutTheSpread) {
    const EvaluationResult result = summarise_correct(std::vector<std::int64_t>{1}, 2, 1);
    EXPECT_EQ(result.pass_at_1, 0.5);
    EXPECT_EQ(result.pass_at_1_low, 0);
    EXPECT_EQ(result.pass_at_1_high, 1);
}

TEST(EvaluationJson, FieldsHaveTheNamesOfTheFile) {
    EvaluationResult result = summarise_correct(std::vector<std::int64_t>{2, 1}, 2, 2);
    result.verifier_errors = 3;
    result.tokens = 77;
    const Json json = to_json(result);
    EXPECT_EQ(json.at("pass@1"), 0.75);
    EXPECT_EQ(json.at("pass@1_low"), result.pass_at_1_low);
    EXPECT_EQ(json.at("pass@1_high"), result.pass_at_1_high);
    EXPECT_EQ(json.at("pass@k"), 1);
    EXPECT_EQ(json.at("k"), 2);
    EXPECT_EQ(json.at("prompts"), 2);
    EXPECT_EQ(json.at("samples"), 2);
    EXPECT_EQ(json.at("verifier_errors"), 3);
    EXPECT_EQ(json.at("tokens"), 77);
}

}  // namespace
}  // namespace r1
