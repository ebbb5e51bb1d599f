// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/backend_fixture.h"
#include "tests/kernels/cuda/softmax_bounds.h"

namespace r1::test {
namespace {

template <class T>
class GpuLogprob : public BackendTest<T> {};
TYPED_TEST_SUITE(GpuLogprob, GpuTypes);

constexpr double kTemperatures[] = {0, 1, 0.7};

TYPED_TEST(GpuLogprob, ForwardIsWithinRoundingOfTheReference) {
    for (const std::int32_t vocab : {1, 5, 261, 4096, 50021}) {
        const std::int32_t m = vocab > 5000 ? 2 : 4;
        const auto rows = static_cast<std::size_t>(m), size = static_cast<std::size_t>(vocab);
        for (const double temperature : kTemperatures) {
            const Values logits = this->template random<float>(rows * size, 9);
            const Numbers targets = this->random_ids(rows, vocab);
            const auto input = this->template upload_as<float>(logits);
            const auto ids = this->upload(targets);
            auto logprob = this->template poisoned<float>(rows);
            auto entropy = this->template poisoned<float>(rows);
            auto alone = this->template poisoned<float>(rows);
            this->gpu().logprob_forward(logprob.data(), entropy.data(), input.data(), ids.data(), m,
                                        vocab, temperature);
            this->gpu().logprob_forward(alone.data(), nullptr, input.data(), ids.data(), m, vocab,
                                        temperature);
            EXPECT_TRUE(this->same_bits(this->host(logprob), this->host(alone)));
            Values want(rows), want_entropy(rows);
            this->reference().logprob_forward(want.data(), want_entropy.data(), logits.data(),
                                              targets.data(), m, vocab, temperature);
            Values bounds(rows), entropy_bounds(rows);
            for (std::size_t i = 0; i < rows; ++i) {
                const SoftmaxBounds row(logits.data() + i * size, vocab, temperature);
                bounds[i] = row.logprob(logits[i * size + static_cast<std::size_t>(targets[i])]);
                entropy_bounds[i] = row.entropy();
            }
            this->expect_within(logprob, want, bounds);
            this->expect_within(entropy, want_entropy, entropy_bounds);
        }
    }
}

TYPED_TEST(GpuLogprob, GradientsAreWithinRoundingOfTheReference) {
    for (const std::int32_t vocab : {1, 261, 520, 50020}) {
        const std::int32_t m = 2;
        const auto rows = static_cast<std::size_t>(m), size = static_cast<std::size_t>(vocab);
        for (const double temperature : kTemperatures) {
            const Values logits = this->template random<float>(rows * size, 9);
            const Values slopes = this->template random<float>(rows);
            Numbers targets = this->random_ids(rows, vocab);
            targets[1] = -1;  // none of the row's
            const auto input = this->template upload_as<float>(logits);
            const auto dlogprob = this->template upload_as<float>(slopes);
            const auto ids = this->upload(targets);
            auto dlogits = this->template poisoned<TypeParam>(rows * size);
            this->gpu().logprob_backward(dlogits.data(), input.data(), dlogprob.data(), ids.data(),
                                         m, vocab, temperature);
            Values want(rows * size);
            this->reference().logprob_backward(want.data(), logits.data(), slopes.data(),
                                               targets.data(), m, vocab, temperature);
            Values bounds(want.size());
            for (std::size_t i = 0; i < rows; ++i) {
                const SoftmaxBounds row(logits.data() + i * size, vocab, temperature);
                for (std::size_t j = i * size; j < (i + 1) * size; ++j) {
                    const double slope = std::abs(slopes[i]) * row.inverse();
                    // exp turns an absolute error into a relative one, and adds its own; then 4
                    // roundings of terms of at most 1 and p.
                    const double p = row.probability(logits[j]);
                    const double terms = p + (j - i * size == static_cast<std::size_t>(targets[i]));
                    const double error = p * (row.logprob(logits[j]) + 4 * kFloatRoundoff) +
                                         4 * kFloatRoundoff * terms;
                    bounds[j] = bound_of<TypeParam>(want[j], slope * error);
                }
            }
            this->expect_within(dlogits, want, bounds);
        }
    }
}

TYPED_TEST(GpuLogprob, GradientsMayReplaceTheLogits) {
    if constexpr (std::is_same_v<TypeParam, float>) {
        for (const std::int32_t vocab : {263, 1024}) {
            const auto size = static_cast<std::size_t>(vocab);
            const Values logits = this->template random<float>(size, 9);
            const auto target = this->upload(Numbers{vocab / 2});
            const auto slope = this->upload(std::vector<float>{0.25F});
            auto apart = this->template poisoned<float>(size);
            auto in_place = this->template upload_as<float>(logits);
            this->gpu().logprob_backward(apart.data(), in_place.data(), slope.data(), target.data(),
                                         1, vocab, 1);
            this->gpu().logprob_backward(in_place.data(), in_place.data(), slope.data(),
                                         target.data(), 1, vocab, 1);
            EXPECT_TRUE(this->same_bits(this->host(apart), this->host(in_place)));
        }
    }
}

TYPED_TEST(GpuLogprob, MaskedTokensHaveNoProbabilityAndNoEntropy) {
    const float masked = -INFINITY;
    // The first tokens of every thread's part are masked.
    std::vector<float> logits(2048, masked);
    logits[2000] = 1;
    logits[2001] = 1;
    const auto input = this->upload(logits);
    const auto target = this->upload(Numbers{2001});
    auto logprob = this->template poisoned<float>(1);
    auto entropy = this->template poisoned<float>(1);
    this->gpu().logprob_forward(logprob.data(), entropy.data(), input.data(), target.data(), 1,
                                2048, 1);
    EXPECT_NEAR(this->host(logprob)[0], -std::log(2.0), kFloatRoundoff);
    EXPECT_NEAR(this->host(entropy)[0], std::log(2.0), kFloatRoundoff);
}

TYPED_TEST(GpuLogprob, GivesTheSameBitsAgain) {
    const Values logits = this->template random<float>(3 * 1001, 9);
    const auto input = this->template upload_as<float>(logits);
    const auto ids = this->upload(Numbers{0, 500, 1000});
    this->expect_same_bits([&] {
        auto logprob = this->template poisoned<float>(3);
        auto entropy = this->template poisoned<float>(3);
        this->gpu().logprob_forward(logprob.data(), entropy.data(), input.data(), ids.data(), 3,
                                    1001, 0.9);
        auto bits = this->host(logprob);
        const auto more = this->host(entropy);
        bits.insert(bits.end(), more.begin(), more.end());
        return bits;
    });
}

}  // namespace
}  // namespace r1::test
