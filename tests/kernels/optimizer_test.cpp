// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/support.h"

namespace r1::test {
namespace {

/// The state of one AdamW run.
template <class T>
struct Moments {
    explicit Moments(std::vector<T> p)
        : parameters(std::move(p)), first(parameters.size()), second(parameters.size()) {}
    void step(Backend<T>& backend, const std::vector<T>& gradients, const AdamWStep& step) {
        backend.adamw(parameters.data(), parameters.data(), gradients.data(), first.data(),
                      second.data(), parameters.size(), step);
    }
    std::vector<T> parameters, first, second;
};

/// torch.optim.AdamW's single-tensor loop, written out in double.
void plain_adamw(Moments<double>& s, const Values& gradients, const AdamWStep& step) {
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        const double g = gradients[i] * step.gradient_scale;
        s.parameters[i] *= 1 - step.learning_rate * step.weight_decay;
        s.first[i] += (g - s.first[i]) * (1 - step.beta1);
        s.second[i] = s.second[i] * step.beta2 + (1 - step.beta2) * g * g;
        const double correction1 = 1 - std::pow(step.beta1, step.step);
        const double correction2 = 1 - std::pow(step.beta2, step.step);
        const double root = std::sqrt(s.second[i]) / std::sqrt(correction2) + step.epsilon;
        s.parameters[i] -= step.learning_rate / correction1 * s.first[i] / root;
    }
}

AdamWStep step_of(std::int64_t number) {
    return {.learning_rate = 1e-3,
            .beta1 = 0.9,
            .beta2 = 0.95,
            .epsilon = 1e-8,
            .weight_decay = 0.1,
            .gradient_scale = number % 3 == 0 ? 0.25 : 1.0,
            .step = number};
}

TEST(AdamW, FiftyStepsEqualThePlainLoopInDouble) {
    constexpr std::size_t kCount = 20011;  // more than one block, and a tail
    const Values start = random_values(kCount, 1);
    Moments<double> plain(start), reference(start);
    std::vector<Moments<float>> fast;
    std::vector<std::unique_ptr<Backend<float>>> backends;
    for (const auto& set : cpu_instruction_sets()) {
        backends.push_back(make_cpu_backend_for(set, 2));
        fast.emplace_back(as<float>(start));
    }
    const auto exact = make_reference_backend<double>();
    for (std::int64_t number = 1; number <= 50; ++number) {
        const Values gradients =
            random_values(kCount, static_cast<std::uint32_t>(100 + number), 0.1);
        plain_adamw(plain, gradients, step_of(number));
        reference.step(*exact, gradients, step_of(number));
        for (std::size_t b = 0; b < fast.size(); ++b) {
            fast[b].step(*backends[b], as<float>(gradients), step_of(number));
        }
    }
    for (std::size_t i = 0; i < kCount; ++i) {
        ASSERT_NEAR(reference.parameters[i], plain.parameters[i], 1e-12);
        // Parameters are below 1.06, so each of 50 roundings is below epsilon / 2.
        for (const auto& state : fast) {
            ASSERT_NEAR(static_cast<double>(state.parameters[i]), plain.parameters[i], 1e-6);
        }
    }
}

TEST(AdamW, TwoStepsByHand) {
    // p = 1, g = 0.5 then -1, lr 0.1, betas 0.9 and 0.99, eps 0, wd 0.01.
    // Step 1: p = 0.999 - 0.1 · 0.05/0.1 / (sqrt(0.0025)/sqrt(0.01)) = 0.899.
    // Step 2: m = -0.055, v = 0.012475, m̂ = -0.055/0.19, v̂ = 0.012475/0.0199.
    AdamWStep step{.learning_rate = 0.1,
                   .beta1 = 0.9,
                   .beta2 = 0.99,
                   .epsilon = 0,
                   .weight_decay = 0.01,
                   .step = 1};
    const double second = 0.899 * 0.999 + 0.1 * (0.055 / 0.19) / std::sqrt(0.012475 / 0.0199);
    const auto exact = make_reference_backend<double>();
    Moments<double> state(Values{1.0});
    state.step(*exact, {0.5}, step);
    EXPECT_NEAR(state.parameters[0], 0.899, 1e-15);
    step.step = 2;
    state.step(*exact, {-1.0}, step);
    EXPECT_NEAR(state.parameters[0], second, 1e-15);
    for (const auto& set : cpu_instruction_sets()) {
        const auto backend = make_cpu_backend_for(set, 1);
        Moments<float> narrow(std::vector<float>{1.0F});
        step.step = 1;
        narrow.step(*backend, {0.5F}, step);
        step.step = 2;
        narrow.step(*backend, {-1.0F}, step);
        EXPECT_NEAR(static_cast<double>(narrow.parameters[0]), second, 4 * kFloatEpsilon);
    }
}

TEST(AdamW, ZeroLearningRateLeavesTheBitsOfTheParameters) {
    const std::vector<float> start = as<float>(random_values(1000, 1));
    for (const auto& set : cpu_instruction_sets()) {
        Moments<float> state(start);
        AdamWStep step = step_of(1);
        step.learning_rate = 0;
        state.step(*make_cpu_backend_for(set, 1), as<float>(random_values(1000, 2)), step);
        EXPECT_EQ(state.parameters, start);
    }
}

}  // namespace
}  // namespace r1::test
