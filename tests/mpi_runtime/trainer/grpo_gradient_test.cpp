// SPDX-License-Identifier: Apache-2.0
// The gradient of an update, made again from the rollout's samples by the plain loops in double and
// from the formulas: only tokens of outputs count, with global denominators.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/mpi_runtime/trainer/plain_model.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::metric;
using test::PlainModel;
using test::TinyGrpo;

/// Σ over the samples in the loss, and how many they are.
struct Totals {
    double tokens = 0;
    double sequences = 0;
};
using TokenWeight = std::function<double(const Totals&, const Sample&)>;

/// One on-policy update: the loss is −Σ w A logprob there, so its gradient is REINFORCE's.
void expect_reinforce(std::vector<std::string> overrides, bool masked, double temperature,
                      const TokenWeight& weight_of) {
    // Shuffled rewards, so that outputs that were cut have advantages too.
    for (const char* text :
         {".shuffle_rewards=true", ".inner_epochs=2", ".sampling.max_new_tokens=12"})
        overrides.emplace_back(text);
    TinyGrpo rl(overrides);
    PlainModel plain(rl.stage->actor()->shape(), test::weights_of(*rl.stage));
    const Metrics metrics = rl.stage->step(0);
    const std::vector<Sample> samples = unpack_samples(test::packed_rollout(rl.run, *rl.stage));
    Totals totals;
    double truncated_with_signal = 0;
    for (const Sample& sample : samples) {
        if (!sample.ended) truncated_with_signal += std::abs(sample.advantage);
        if (masked && !sample.ended) continue;
        totals.tokens += static_cast<double>(sample.tokens.size());
        totals.sequences += 1;
    }
    EXPECT_GT(truncated_with_signal, 0) << "the mask makes a difference";
    EXPECT_GT(totals.sequences, 0);
    double loss = 0;
    for (const Sample& sample : samples) {
        if (masked && !sample.ended) continue;
        const double gradient = -weight_of(totals, sample) * sample.advantage;
        loss += gradient * static_cast<double>(sample.tokens.size());
        plain.add(sample.prompt, sample.tokens, std::vector<double>(sample.tokens.size(), gradient),
                  temperature);
    }
    EXPECT_NEAR(metric(metrics, "actor/pg_loss"), loss, 1e-9);
    test::expect_gradient(*rl.stage, plain);
}

double length_of(const Sample& sample) {
    return static_cast<double>(sample.tokens.size());
}

TEST(GrpoGradient, TokenMeanIsReinforceOverAllTokensOfTheUpdate) {
    const auto weight = [](const Totals& all, const Sample&) { return 1 / all.tokens; };
    expect_reinforce({}, false, 1, weight);
    expect_reinforce({".mask_truncated=true"}, true, 1, weight);
}

TEST(GrpoGradient, SeqMeanTokenSumIsReinforceOverSequences) {
    const auto weight = [](const Totals& all, const Sample&) { return 1 / all.sequences; };
    const std::string aggregation = ".aggregation=seq-mean-token-sum";
    expect_reinforce({aggregation}, false, 1, weight);
    expect_reinforce({aggregation, ".mask_truncated=true"}, true, 1, weight);
}

TEST(GrpoGradient, SeqMeanTokenMeanWeighsEachOutputByItsLength) {
    const auto weight = [](const Totals& all, const Sample& sample) {
        return 1 / (all.sequences * length_of(sample));
    };
    const std::string aggregation = ".aggregation=seq-mean-token-mean";
    expect_reinforce({aggregation}, false, 1, weight);
    expect_reinforce({aggregation, ".mask_truncated=true"}, true, 1, weight);
}

TEST(GrpoGradient, SeqMeanTokenSumNormDividesByTheLimit) {
    const auto weight = [](const Totals& all, const Sample&) { return 1 / (all.sequences * 12); };
    expect_reinforce({".aggregation=seq-mean-token-sum-norm"}, false, 1, weight);
}

TEST(GrpoGradient, TemperatureIsThatOfTheRollout) {
    expect_reinforce({".sampling.temperature=0.7"}, false, 0.7,
                     [](const Totals& all, const Sample&) { return 1 / all.tokens; });
}

TEST(GrpoGradient, DivergenceIsFromTheReferenceOfTheStart) {
    // The third update: on policy again, two updates away from the reference.
    constexpr double kBeta = 0.5;
    TinyGrpo rl({".kl_coefficient=0.5", ".kl_estimator=k2", ".inner_epochs=2",
                 ".shuffle_rewards=true", ".optimizer.learning_rate=1e-2"});
    PlainModel reference(rl.stage->actor()->shape(), test::weights_of(*rl.stage));
    rl.stage->step(0);
    rl.stage->step(1);
    PlainModel plain(rl.stage->actor()->shape(), test::weights_of(*rl.stage));
    const Metrics metrics = rl.stage->step(2);
    double tokens = 0;
    const std::vector<Sample> samples = unpack_samples(test::packed_rollout(rl.run, *rl.stage));
    for (const Sample& sample : samples) tokens += length_of(sample);
    double divergence = 0;
    for (const Sample& sample : samples) {
        const std::vector<double> expected = reference.logprobs(sample.prompt, sample.tokens, 1);
        std::vector<double> gradient;
        for (std::size_t t = 0; t < sample.tokens.size(); ++t) {
            EXPECT_NEAR(static_cast<double>(sample.reference_logprobs[t]), expected[t], 1e-4);
            const double apart = static_cast<double>(sample.logprobs[t]) -
                                 static_cast<double>(sample.reference_logprobs[t]);
            divergence += apart * apart / 2 / tokens;
            gradient.push_back((-sample.advantage + kBeta * apart) / tokens);
        }
        plain.add(sample.prompt, sample.tokens, gradient, 1);
    }
    EXPECT_NEAR(metric(metrics, "actor/kl_loss"), divergence, 1e-9);
    EXPECT_GT(divergence, 1e-6);
    test::expect_gradient(*rl.stage, plain);
}

TEST(GrpoGradient, OutputsHoldTheEndTokenOnceAndLastOrNotAtAll) {
    TinyGrpo rl({".inner_epochs=2", ".sampling.max_new_tokens=12"});
    rl.stage->step(0);
    const std::int32_t end = rl.run.session.tokenizer->end_of_text();
    int ended = 0;
    for (const Sample& sample : unpack_samples(test::packed_rollout(rl.run, *rl.stage))) {
        EXPECT_EQ(std::count(sample.tokens.begin(), sample.tokens.end(), end),
                  sample.ended ? 1 : 0);
        EXPECT_EQ(sample.tokens.back() == end, sample.ended);
        EXPECT_EQ(sample.logprobs.size(), sample.tokens.size());
        ended += sample.ended ? 1 : 0;
    }
    EXPECT_GT(ended, 0);
    EXPECT_LT(ended, 16);
}

}  // namespace
}  // namespace r1
