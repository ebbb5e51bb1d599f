// SPDX-License-Identifier: Apache-2.0
// The GRPO loss written from its formula with PyTorch and differentiated by autograd.
#include "mpi_runtime/trainer/grpo_loss.h"
#include "tests/mpi_runtime/parity/choice.h"
#include "tests/mpi_runtime/parity/parity_model.h"

namespace r1 {
namespace {

using test::numbers;

std::vector<GrpoToken> tokens_of(const nlohmann::json& grpo, const std::vector<double>& lengths) {
    const std::vector<double> old_logprobs = numbers(grpo.at("old_logprobs"));
    const std::vector<double> reference_logprobs = numbers(grpo.at("reference_logprobs"));
    const std::vector<double> advantages = numbers(grpo.at("advantages"));
    const auto aggregation = test::choice<Aggregation>(grpo.at("aggregation"));
    const auto all = static_cast<double>(old_logprobs.size());
    std::vector<GrpoToken> tokens;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
        const double weight =
            token_weight(aggregation, lengths[s], all, static_cast<double>(lengths.size()),
                         grpo.at("max_new_tokens"));
        const auto end = tokens.size() + static_cast<std::size_t>(lengths[s]);
        for (std::size_t i = tokens.size(); i < end; ++i)
            tokens.push_back(
                {old_logprobs.at(i), reference_logprobs.at(i), advantages.at(s), weight});
    }
    return tokens;
}

template <class T>
void expect_parity(const std::string& mode, std::unique_ptr<Backend<T>> backend) {
    const nlohmann::json grpo = test::load_reference("grpo-" + mode);
    test::ParityModel<T> model(grpo.at("model"), std::move(backend));
    GrpoSums sums;
    const ClipRange clip{grpo.at("clip_low"), grpo.at("clip_high"), 0};
    const double kl_coefficient = grpo.at("kl_coefficient");
    GrpoLoss loss(tokens_of(grpo, test::completion_lengths(model.reference)), clip, kl_coefficient,
                  KlEstimator::kK3, sums);
    const std::vector<T> gradient = model.gradient_of(loss, grpo.at("temperature"));
    const auto expect_sum = [&](double actual, const char* what) {
        // The terms of the policy loss cancel; their rounding errors do not.
        const double error = std::abs(actual - grpo.at(what).get<double>());
        EXPECT_LT(error, test::kTolerance<T> * grpo.at("term_size").get<double>()) << what;
    };
    expect_sum(sums.policy_loss, "policy_loss");
    expect_sum(sums.kl_loss, "kl_loss");
    expect_sum(sums.policy_loss + kl_coefficient * sums.kl_loss, "loss");
    test::expect_tensors_close(model.model.layout(), gradient, grpo.at("gradients"),
                               test::kGradientTolerance<T>);
}

void expect_parity_on_both(const std::string& mode) {
    expect_parity(mode, make_reference_backend<double>());
    test::with_every_fast_backend(
        [&](std::unique_ptr<Backend<float>> backend) { expect_parity(mode, std::move(backend)); });
}

TEST(GrpoParity, TokenMeanEqualsAutograd) {
    expect_parity_on_both("token-mean");
}

TEST(GrpoParity, SeqMeanTokenSumEqualsAutograd) {
    expect_parity_on_both("seq-mean-token-sum");
}

TEST(GrpoParity, SeqMeanTokenMeanEqualsAutograd) {
    expect_parity_on_both("seq-mean-token-mean");
}

TEST(GrpoParity, SeqMeanTokenSumNormEqualsAutograd) {
    expect_parity_on_both("seq-mean-token-sum-norm");
}

TEST(GrpoParity, EveryEstimatorAndClipOfSingleTokensEqualsAutograd) {
    const nlohmann::json reference = test::load_reference("grpo-tokens");
    const std::vector<double> logprobs = numbers(reference.at("logprobs"));
    const std::vector<double> old_logprobs = numbers(reference.at("old_logprobs"));
    const std::vector<double> reference_logprobs = numbers(reference.at("reference_logprobs"));
    const std::vector<double> advantages = numbers(reference.at("advantages"));
    ASSERT_EQ(reference.at("cases").size(), 16U);
    for (const nlohmann::json& item : reference.at("cases")) {
        const ClipRange clip{item.at("clip_low"), item.at("clip_high"), item.at("dual_clip")};
        const double kl_coefficient = item.at("kl_coefficient");
        const auto estimator = test::choice<KlEstimator>(item.at("kl_estimator"));
        std::vector<double> values, gradients;
        for (std::size_t i = 0; i < logprobs.size(); ++i) {
            const std::vector<double> logprob{logprobs[i]}, entropy{0};
            std::vector<double> gradient{0};
            GrpoSums sums;
            GrpoLoss loss({{old_logprobs[i], reference_logprobs[i], advantages[i], 1}}, clip,
                          kl_coefficient, estimator, sums);
            loss.evaluate(0, logprob, entropy, gradient);
            values.push_back(sums.policy_loss + kl_coefficient * sums.kl_loss);
            gradients.push_back(gradient[0]);
        }
        const std::string what = item.at("kl_estimator").get<std::string>() + " of case " +
                                 std::to_string(&item - &reference.at("cases")[0]);
        test::expect_close(std::span<const double>(values), numbers(item.at("loss")),
                           test::kDoubleTolerance, what);
        test::expect_close(std::span<const double>(gradients), numbers(item.at("gradient")),
                           test::kDoubleTolerance, what);
    }
}

}  // namespace
}  // namespace r1
