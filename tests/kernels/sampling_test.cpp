// SPDX-License-Identifier: Apache-2.0
#include "kernels/sampling.h"

#include "common/error.h"
#include "tests/kernels/support.h"

namespace r1::test {
namespace {

const Values kLogits = {1.0, 2.5, -0.5, 2.0, 0.0, 2.5, -INFINITY, 1.5};
constexpr std::int32_t kVocab = 8;

/// p ∝ exp(logit / temperature) over the allowed tokens.
Values distribution(double temperature, const std::vector<std::size_t>& allowed) {
    Values p(kLogits.size());
    double sum = 0;
    for (const std::size_t j : allowed) sum += p[j] = std::exp(kLogits[j] / temperature);
    for (double& v : p) v /= sum;
    return p;
}

struct Draws {
    Numbers tokens;
    std::vector<float> logprob;
};

Draws draw(Backend<float>& backend, const Values& logits, std::int32_t m,
           const SamplingRule& rule) {
    const auto rows = static_cast<std::size_t>(m);
    std::vector<float> all;
    std::vector<PhiloxCounter> counters;
    for (std::uint32_t i = 0; i < rows; ++i) {
        for (const double v : logits) all.push_back(static_cast<float>(v));
        counters.push_back({i, 1, 2, 3});
    }
    Draws draws{Numbers(rows), poisoned<float>(rows)};
    backend.sample(draws.tokens.data(), draws.logprob.data(), all.data(), m,
                   static_cast<std::int32_t>(logits.size()), rule, {{5, 6}, counters.data()});
    for (std::int32_t i = 0; i < m; ++i)
        if (draws.tokens[static_cast<std::size_t>(i)] < 0) throw_logits_not_finite(i);
    return draws;
}

std::vector<std::unique_ptr<Backend<float>>> backends() {
    std::vector<std::unique_ptr<Backend<float>>> all;
    all.push_back(make_reference_backend<float>());
    for (const auto& set : cpu_instruction_sets()) all.push_back(make_cpu_backend_for(set, 2));
    return all;
}

/// Pearson's statistic stays below the 0.9999 quantile for 7 degrees of freedom.
void expect_distribution(const SamplingRule& rule, const Values& want) {
    constexpr std::int32_t kDraws = 20000;
    for (const auto& backend : backends()) {
        Values counts(kLogits.size());
        for (const auto token : draw(*backend, kLogits, kDraws, rule).tokens) {
            ASSERT_GE(token, 0);
            ASSERT_LT(token, kVocab);
            ++counts[static_cast<std::size_t>(token)];
        }
        double statistic = 0;
        for (std::size_t j = 0; j < want.size(); ++j) {
            if (want[j] == 0) {
                EXPECT_EQ(counts[j], 0) << backend->name() << " drew forbidden token " << j;
                continue;
            }
            const double mean = want[j] * kDraws;
            statistic += (counts[j] - mean) * (counts[j] - mean) / mean;
        }
        EXPECT_LT(statistic, 29.9) << backend->name();
    }
}

TEST(Sampling, FollowsTheSoftmaxAtTemperatureOne) {
    expect_distribution({1, 1, 0}, distribution(1, {0, 1, 2, 3, 4, 5, 7}));
}
TEST(Sampling, FollowsTheSoftmaxAtTemperaturePointSeven) {
    expect_distribution({0.7, 1, 0}, distribution(0.7, {0, 1, 2, 3, 4, 5, 7}));
}
TEST(Sampling, TopKKeepsTheMostLikely) {
    expect_distribution({1, 1, 3}, distribution(1, {1, 3, 5}));
}
TEST(Sampling, TopKBreaksTiesByTheLowerId) {
    expect_distribution({1, 1, 1}, distribution(1, {1}));
}
TEST(Sampling, TopKAboveTheVocabularyKeepsAll) {
    expect_distribution({1, 1, 100}, distribution(1, {0, 1, 2, 3, 4, 5, 7}));
}
TEST(Sampling, TopPKeepsTheShortestPrefixThatHoldsIt) {
    // Sorted: 0.330, 0.330, 0.200, ...: two tokens hold 0.66 and three are needed for 0.7.
    expect_distribution({1, 0.7, 0}, distribution(1, {1, 3, 5}));
    expect_distribution({1, 0.6, 0}, distribution(1, {1, 5}));
}
TEST(Sampling, TopPCountsTheMassThatTopKLeft) {
    // Of the two best alone, one holds half.
    expect_distribution({1, 0.4, 2}, distribution(1, {1}));
}
TEST(Sampling, TopPOfAlmostNothingKeepsOneToken) {
    expect_distribution({1, 1e-12, 0}, distribution(1, {1}));
}

TEST(Sampling, TemperatureZeroTakesTheFirstMostLikelyAndCountsAsOneInTheLogprob) {
    const double want = std::log(distribution(1, {0, 1, 2, 3, 4, 5, 7})[1]);
    for (const auto& backend : backends()) {
        const Draws draws = draw(*backend, kLogits, 3, {0, 1, 0});
        EXPECT_EQ(draws.tokens, (Numbers{1, 1, 1}));
        EXPECT_NEAR(static_cast<double>(draws.logprob[2]), want, tolerance(8));
    }
}

TEST(Sampling, RecordedLogprobHasTheBitsOfLogprobForwardOverTheWholeVocabulary) {
    const Values logits = random_values(1500, 3, 4);
    for (const auto& backend : backends()) {
        for (const SamplingRule rule : {SamplingRule{0.7, 0.9, 40}, {1, 1, 0}, {0, 1, 0}}) {
            constexpr std::int32_t kRows = 50;
            const Draws draws = draw(*backend, logits, kRows, rule);
            std::vector<float> all;
            for (int i = 0; i < kRows; ++i) {
                for (const double v : logits) all.push_back(static_cast<float>(v));
            }
            auto logprob = poisoned<float>(kRows);
            backend->logprob_forward(logprob.data(), nullptr, all.data(), draws.tokens.data(),
                                     kRows, 1500, rule.temperature == 0 ? 1 : rule.temperature);
            EXPECT_EQ(logprob, draws.logprob) << backend->name();
        }
    }
}

TEST(Sampling, LogitsThatAreNotFiniteEndTheRun) {
    const std::vector<Values> broken = {
        {0, NAN, 1}, {0, INFINITY, 1}, {-INFINITY, -INFINITY, -INFINITY}};
    for (const auto& backend : backends()) {
        for (const Values& logits : broken) {
            for (const SamplingRule rule : {SamplingRule{1, 0.9, 2}, {0, 1, 0}}) {
                try {
                    draw(*backend, logits, 2, rule);
                    FAIL() << backend->name() << " sampled from " << logits[1];
                } catch (const Error& error) {
                    EXPECT_EQ(error.code(), ExitCode::kRunFailed);
                    EXPECT_NE(std::string(error.what()).find("row 0 are not finite"),
                              std::string::npos);
                }
            }
        }
    }
}

TEST(InstructionSets, UnknownNameIsAnErrorAndTheDefaultIsTheWidest) {
    EXPECT_THROW(make_cpu_backend_for("mmx", 1), Error);
    EXPECT_EQ(cpu_instruction_sets().back(), "baseline");
    EXPECT_EQ(make_cpu_backend(1)->name(), "cpu " + cpu_instruction_sets().front());
}

}  // namespace
}  // namespace r1::test
