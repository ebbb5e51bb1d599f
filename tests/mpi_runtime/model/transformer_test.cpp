// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/transformer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mpi_runtime/model/output_head.h"
#include "tests/mpi_runtime/model/small_model.h"

namespace r1 {
namespace {

/// Σ_i w_i · logprob_i with fixed unequal weights: every path of the model has a part in it.
class WeightedLoss final : public TokenLoss {
  public:
    void evaluate(std::size_t first, std::span<const double> logprob, std::span<const double>,
                  std::span<double> gradient) override {
        for (std::size_t i = 0; i < logprob.size(); ++i) {
            gradient[i] = 0.3 + 0.2 * static_cast<double>((first + i) % 5);
            value += gradient[i] * logprob[i];
        }
    }
    double value = 0;
};

struct Fixture {
    explicit Fixture(const ModelShape& shape)
        : backend(make_reference_backend<double>()),
          model(shape, *backend),
          head(model, 3),
          host(test::random_parameters<double>(model.layout())),
          parameters(*backend, host.size()),
          gradients(*backend, host.size()) {
        batch.load(*backend, test::small_batch(shape.vocabulary));
    }
    double loss(const std::vector<double>& values) {
        parameters.load(values.data(), values.size());
        model.forward(parameters.data(), batch, activations);
        gradients.zero();
        WeightedLoss loss;
        head.backward(parameters.data(), gradients.data(), batch, activations, 0.7, loss);
        return loss.value;
    }
    std::unique_ptr<Backend<double>> backend;
    Transformer<double> model;
    OutputHead<double> head;
    std::vector<double> host;
    Array<double> parameters, gradients;
    DeviceBatch batch;
    Activations<double> activations;
};

/// Central differences over every 7th parameter of every tensor, in fp64.
void expect_gradient_is_right(const ModelShape& shape) {
    Fixture fixture(shape);
    fixture.loss(fixture.host);
    fixture.model.backward(fixture.parameters.data(), fixture.gradients.data(), fixture.batch,
                           fixture.activations);
    const std::vector<double> gradient = fixture.gradients.to_host(fixture.host.size());
    constexpr double kStep = 1e-5;
    for (const ParameterView& view : fixture.model.layout().views()) {
        double worst = 0;
        double largest = 0;
        for (std::size_t i = 0; i < view.count; i += 7) {
            std::vector<double> moved = fixture.host;
            moved[view.offset + i] += kStep;
            const double above = fixture.loss(moved);
            moved[view.offset + i] -= 2 * kStep;
            const double below = fixture.loss(moved);
            const double expected = (above - below) / (2 * kStep);
            worst = std::max(worst, std::abs(gradient[view.offset + i] - expected));
            largest = std::max(largest, std::abs(expected));
        }
        EXPECT_LT(worst, 1e-6 * std::max(largest, 1e-3)) << view.name;
        EXPECT_GT(largest, 0) << view.name << ": the check saw no gradient";
    }
}

TEST(Transformer, GradientEqualsCentralDifferences) {
    expect_gradient_is_right(test::small_shape(false, false));
}

TEST(Transformer, GradientWithBiasesAndTiedEmbeddingsEqualsCentralDifferences) {
    expect_gradient_is_right(test::small_shape(true, true));
}

TEST(Transformer, PackedSequencesDoNotSeeOneAnother) {
    const ModelShape shape = test::small_shape(true, false);
    const auto backend = make_reference_backend<double>();
    Transformer<double> model(shape, *backend);
    OutputHead<double> head(model, 4);
    Array<double> parameters(*backend, model.layout().size());
    const auto host = test::random_parameters<double>(model.layout());
    parameters.load(host.data(), host.size());
    Activations<double> activations;
    const auto logprobs = [&](const PackedBatch& batch) {
        DeviceBatch device;
        device.load(*backend, batch);
        model.forward(parameters.data(), device, activations);
        return head.logprobs(parameters.data(), device, activations, 1.0);
    };
    const auto prompt = test::random_tokens(3, 10, shape.vocabulary);
    const auto completion = test::random_tokens(6, 11, shape.vocabulary);
    PackedBatch alone;
    alone.append(prompt, completion);
    PackedBatch behind = test::small_batch(shape.vocabulary);
    const std::size_t others = behind.loss_rows.size();
    behind.append(prompt, completion);
    const std::vector<double> expected = logprobs(alone);
    const std::vector<double> packed = logprobs(behind);
    EXPECT_EQ(
        std::vector<double>(packed.begin() + static_cast<std::ptrdiff_t>(others), packed.end()),
        expected);
}

TEST(Transformer, GradientOfTwoBatchesIsThatOfBothInOne) {
    // Micro-batching must not change the sum.
    const ModelShape shape = test::small_shape(false, false);
    Fixture whole(shape);
    whole.loss(whole.host);
    whole.model.backward(whole.parameters.data(), whole.gradients.data(), whole.batch,
                         whole.activations);
    const std::vector<double> once = whole.gradients.to_host(whole.host.size());
    Fixture twice(shape);
    twice.loss(twice.host);
    twice.model.backward(twice.parameters.data(), twice.gradients.data(), twice.batch,
                         twice.activations);
    WeightedLoss loss;
    twice.model.forward(twice.parameters.data(), twice.batch, twice.activations);
    twice.head.backward(twice.parameters.data(), twice.gradients.data(), twice.batch,
                        twice.activations, 0.7, loss);
    twice.model.backward(twice.parameters.data(), twice.gradients.data(), twice.batch,
                         twice.activations);
    const std::vector<double> doubled = twice.gradients.to_host(twice.host.size());
    for (std::size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(doubled[i], 2 * once[i], 1e-12);
}

}  // namespace
}  // namespace r1
