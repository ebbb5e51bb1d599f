// SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "kernels/cuda/philox.cuh"
#include "tests/kernels/cuda/backend_fixture.h"
#include "tests/kernels/cuda/softmax_bounds.h"

namespace r1::test {
namespace {

class GpuSample : public BackendTest<float> {
  protected:
    struct Drawn {
        Numbers tokens;
        std::vector<float> logprob;
    };

    std::vector<PhiloxCounter> counters(std::size_t m) {
        std::vector<PhiloxCounter> all(m);
        for (auto& counter : all) counter = {draw(), draw(), draw(), draw()};
        return all;
    }
    Drawn sample(const Array<float>& logits, std::int32_t m, std::int32_t vocab,
                 const SamplingRule& rule, const std::vector<PhiloxCounter>& numbers) {
        const auto rows = static_cast<std::size_t>(m);
        auto tokens = poisoned<std::int32_t>(rows);
        auto logprob = poisoned<float>(rows);
        const auto array = upload(numbers);
        gpu().sample(tokens.data(), logprob.data(), logits.data(), m, vocab, rule,
                     {key_, array.data()});
        return {host(tokens), host(logprob)};
    }
    /// One row, whose number is that of counter 0.
    Drawn sample_row(const std::vector<float>& logits, const SamplingRule& rule) {
        return sample(upload(logits), 1, static_cast<std::int32_t>(logits.size()), rule, {{}});
    }

    const PhiloxKey key_{77, 78};
};

/// The draw of one row in double, and how far from it a draw from float weights may be.
class ExactDraw {
  public:
    ExactDraw(const double* logits, std::int32_t vocab, const SamplingRule& rule)
        : bounds_(logits, vocab, rule.temperature), order_(static_cast<std::size_t>(vocab)) {
        for (std::int32_t j = 0; j < vocab; ++j)
            weights_.push_back(std::exp(bounds_.scaled(logits[j])));
        std::iota(order_.begin(), order_.end(), 0);
        std::stable_sort(order_.begin(), order_.end(),
                         [&](std::int32_t a, std::int32_t b) { return logits[a] > logits[b]; });
        if (rule.top_k > 0 && rule.top_k < vocab) keep(static_cast<std::size_t>(rule.top_k));
        if (rule.top_p < 1) keep(nucleus(rule.top_p));
        total_ = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    }

    /// Both the running sum and the whole are off by the error of a weight, and by 2^-44 of the
    /// largest for each token, to which weights are rounded.
    double slack() const {
        return 2 * bounds_.weight() * total_ + 0x1p-44 * static_cast<double>(weights_.size());
    }
    /// Whether the set of tokens hangs on a mass that is too close to top_p to tell.
    bool is_undecided() const { return undecided_; }
    bool allows(std::int32_t token, double u) const {
        if (token < 0 || weights_[static_cast<std::size_t>(token)] <= 0) return false;
        const double before = std::accumulate(weights_.begin(), weights_.begin() + token, 0.0);
        const double after = before + weights_[static_cast<std::size_t>(token)];
        return u * total_ >= before - slack() && u * total_ <= after + slack();
    }

  private:
    void keep(std::size_t count) {
        for (std::size_t i = count; i < order_.size(); ++i)
            weights_[static_cast<std::size_t>(order_[i])] = 0;
        order_.resize(count);
    }
    std::size_t nucleus(double top_p) {
        total_ = std::accumulate(weights_.begin(), weights_.end(), 0.0);
        double mass = 0;
        for (std::size_t count = 0; count < order_.size();) {
            mass += weights_[static_cast<std::size_t>(order_[count++])];
            if (std::abs(mass - top_p * total_) < slack()) undecided_ = true;
            if (mass >= top_p * total_) return count;
        }
        return order_.size();
    }

    SoftmaxBounds bounds_;
    std::vector<std::int32_t> order_;  ///< the allowed tokens, the most likely first
    Values weights_;
    double total_ = 0;
    bool undecided_ = false;
};

TEST_F(GpuSample, NumbersAreThoseOfTheHost) {
    for (const PhiloxCounter& c : counters(100)) {
        const PhiloxKey key{draw(), draw()};
        const cuda::PhiloxWords got = cuda::philox4x32({{c[0], c[1], c[2], c[3]}}, key[0], key[1]);
        const PhiloxCounter want = philox4x32(c, key);
        for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(got.word[i], want[i]);
    }
}

TEST_F(GpuSample, TokensAreTheReferencesUnlessTheNumberLiesOnABoundary) {
    const SamplingRule rules[] = {{1, 1, 0},      {0.6, 1, 0}, {1, 1, 1},
                                  {1.3, 1, 7},    {1, 0.8, 0}, {1, 0.1, 0},
                                  {0.8, 0.9, 40}, {1, 0, 0},   {1, 1, 1000000}};
    for (const std::int32_t vocab : {1, 2, 261, 1024, 50021}) {
        const std::int32_t m = vocab > 5000 ? 1 : 8;
        const auto rows = static_cast<std::size_t>(m), size = static_cast<std::size_t>(vocab);
        int differing = 0, undecided = 0;
        for (const SamplingRule& rule : rules) {
            const Values logits = random<float>(rows * size, 9);
            const auto numbers = counters(rows);
            const Drawn got = sample(upload_as<float>(logits), m, vocab, rule, numbers);
            Numbers want(rows);
            Values want_logprob(rows);
            reference().sample(want.data(), want_logprob.data(), logits.data(), m, vocab, rule,
                               {key_, numbers.data()});
            for (std::size_t i = 0; i < rows; ++i) {
                differing += got.tokens[i] != want[i];
                const ExactDraw exact(logits.data() + i * size, vocab, rule);
                undecided += exact.is_undecided();
                const double u = to_unit(philox4x32(numbers[i], key_)[0]);
                EXPECT_TRUE(exact.is_undecided() || exact.allows(got.tokens[i], u))
                    << "row " << i << ": token " << got.tokens[i] << " for " << want[i];
            }
        }
        // The numbers near a boundary have a share of 2 · slack · vocab: under 1/4 at 50021 words
        // and far less below; near top_p, less than that.
        EXPECT_LE(differing, vocab > 5000 ? 6 : 2) << "vocabulary " << vocab;
        EXPECT_LE(undecided, vocab > 5000 ? 6 : 2) << "vocabulary " << vocab;
    }
}

TEST_F(GpuSample, LogprobsHaveTheBitsOfLogprobForward) {
    for (const std::int32_t vocab : {261, 1024}) {
        for (const double temperature : {0.0, 1.0, 0.7}) {
            const std::int32_t m = 8;
            const auto logits =
                upload_as<float>(random<float>(static_cast<std::size_t>(m * vocab), 9));
            const Drawn got = sample(logits, m, vocab, {temperature, 1, 0}, counters(8));
            const auto targets = upload(got.tokens);
            auto logprob = poisoned<float>(8);
            gpu().logprob_forward(logprob.data(), nullptr, logits.data(), targets.data(), m, vocab,
                                  temperature);
            EXPECT_TRUE(same_bits(got.logprob, host(logprob)));
        }
    }
}

TEST_F(GpuSample, EqualLogitsAreRankedByTheirIds) {
    // 0 and -0 are equal; the largest comes late.
    std::vector<float> logits(700, 0.0F);
    for (std::size_t j = 0; j < 700; j += 2) logits[j] = -0.0F;
    logits[600] = 2;
    EXPECT_EQ(sample_row(logits, {0, 1, 0}).tokens[0], 600);
    logits[600] = 0;
    EXPECT_EQ(sample_row(logits, {0, 1, 0}).tokens[0], 0);
    const auto numbers = counters(24);
    std::vector<float> rows;
    for (int i = 0; i < 24; ++i) rows.insert(rows.end(), logits.begin(), logits.end());
    const auto array = upload(rows);
    const SamplingRule top_k{1, 1, 3}, top_p{1, 2.5 / 700, 0}, both{1, 0.5, 4};
    for (const std::int32_t token : sample(array, 24, 700, top_k, numbers).tokens)
        EXPECT_TRUE(token >= 0 && token < 3) << token;
    for (const std::int32_t token : sample(array, 24, 700, top_p, numbers).tokens)
        EXPECT_TRUE(token >= 0 && token < 3) << token;
    for (const std::int32_t token : sample(array, 24, 700, both, numbers).tokens)
        EXPECT_TRUE(token >= 0 && token < 2) << token;
}

TEST_F(GpuSample, MaskedTokensAreNeverDrawn) {
    std::vector<float> logits(600, -INFINITY);
    logits[599] = -3;
    for (const SamplingRule& rule :
         {SamplingRule{1, 1, 0}, {0, 1, 0}, {1, 0.5, 0}, {1, 1, 5}, {1, 0.9, 5}})
        EXPECT_EQ(sample_row(logits, rule).tokens[0], 599);
}

TEST_F(GpuSample, LogitsThatAreNotFiniteGiveNoToken) {
    const std::vector<float> plain{1, 2, 3};
    for (const SamplingRule& rule : {SamplingRule{1, 1, 0}, {0, 1, 0}, {1, 0.5, 2}}) {
        for (const float bad : {float{NAN}, float{INFINITY}}) {
            std::vector<float> logits = plain;
            logits[1] = bad;
            const Drawn got = sample_row(logits, rule);
            EXPECT_EQ(got.tokens[0], -1);
            EXPECT_TRUE(std::isnan(got.logprob[0]));
        }
        EXPECT_EQ(sample_row(std::vector<float>(600, -INFINITY), rule).tokens[0], -1);
    }
}

TEST_F(GpuSample, GivesTheSameBitsAgain) {
    const auto logits = upload_as<float>(random<float>(4 * 1003, 5));
    const auto numbers = counters(4);
    expect_same_bits([&] { return sample(logits, 4, 1003, {0.9, 0.95, 50}, numbers).logprob; });
    expect_same_bits([&] { return sample(logits, 4, 1003, {1, 1, 0}, numbers).tokens; });
}

}  // namespace
}  // namespace r1::test
