// SPDX-License-Identifier: Apache-2.0
// The model in double with the plain loops, one sequence at a time: what an update's gradient is
// compared with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mpi_runtime/trainer/model_runner.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1::test {

/// d(loss)/d(logprob) of each token of one sample.
class GivenGradient final : public TokenLoss {
  public:
    explicit GivenGradient(std::vector<double> gradient) : gradient_(std::move(gradient)) {}
    void evaluate(std::size_t first, std::span<const double> logprob, std::span<const double>,
                  std::span<double> gradient) override {
        for (std::size_t i = 0; i < logprob.size(); ++i) gradient[i] = gradient_[first + i];
    }

  private:
    std::vector<double> gradient_;
};

/// The model in double, with the plain loops.
struct PlainModel {
    PlainModel(const ModelShape& shape, const std::vector<float>& weights)
        : backend(make_reference_backend<double>()),
          model(shape, *backend),
          runner(model),
          parameters(*backend, weights.size()),
          gradients(*backend, weights.size()) {
        const std::vector<double> host(weights.begin(), weights.end());
        parameters.load(host.data(), host.size());
    }
    using Ids = std::vector<std::int32_t>;
    /// Adds the gradient of a sequence, given d(loss)/d(logprob) of each completion token.
    void add(const Ids& prompt, const Ids& completion, const std::vector<double>& gradient,
             double temperature) {
        PackedBatch batch;
        batch.append(prompt, completion);
        GivenGradient loss(gradient);
        runner.accumulate_gradient(parameters.data(), gradients.data(), batch, temperature, loss);
    }
    std::vector<double> logprobs(const Ids& prompt, const Ids& completion, double temperature) {
        PackedBatch batch;
        batch.append(prompt, completion);
        return runner.logprobs(parameters.data(), batch, temperature);
    }
    std::unique_ptr<Backend<double>> backend;
    Transformer<double> model;
    ModelRunner<double> runner;
    Array<double> parameters, gradients;
};

/// The stage's last gradient against the plain model's.
inline void expect_gradient(Stage& stage, const PlainModel& plain) {
    const std::vector<float> actual = gradients_of(stage);
    const std::vector<double> expected = plain.gradients.to_host(actual.size());
    double largest = 0;
    double worst = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        largest = std::max(largest, std::abs(expected[i]));
        worst = std::max(worst, std::abs(expected[i] - static_cast<double>(actual[i])));
    }
    EXPECT_GT(largest, 1e-4) << "there is a gradient to compare";
    EXPECT_LT(worst, 1e-4 * largest);
}

}  // namespace r1::test
