// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun. The ranks share a model in slices; every rank also has it whole, and both must
// compute the same.
#include <gtest/gtest.h>

#include <cmath>
#include <string_view>

#include "mpi_runtime/model/model_slice.h"
#include "mpi_runtime/model/output_head.h"
#include "tests/mpi_runtime/model/small_model.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1 {
namespace {

using test::world;

// In double, for values and gradients of order 1 that are sums of at most some hundred products:
// their rounding is below 1e3 · 2^-53 · the sum of the absolute terms, which is of order 10.
constexpr double kTolerance = 1e-12;

/// Unequal weights, and the entropies too, which no gradient shows.
class WeightedLoss final : public TokenLoss {
  public:
    void evaluate(std::size_t first, std::span<const double> logprob,
                  std::span<const double> entropy, std::span<double> gradient) override {
        for (std::size_t i = 0; i < logprob.size(); ++i) {
            gradient[i] = 0.3 + 0.2 * static_cast<double>((first + i) % 5);
            value += gradient[i] * logprob[i];
            entropies.push_back(entropy[i]);
        }
    }
    double value = 0;
    std::vector<double> entropies;
};

struct Case {
    ModelShape shape;
    std::int32_t slices = 1;
    bool recompute = false;
};

/// All shapes that the ranks can share: groups of 1, 2 and 4 slices.
std::vector<Case> cases() {
    std::vector<Case> all;
    for (const std::int32_t slices : {1, 2, 4}) {
        if (world->size() % slices != 0) continue;
        for (const std::int32_t kv_heads : {2, 4}) {
            if (kv_heads % slices != 0) continue;
            for (const bool tied : {false, true}) {
                Case one{test::small_shape(kv_heads == 4, tied), slices, tied};
                one.shape.intermediate = 12;
                one.shape.attention.kv_heads = kv_heads;
                all.push_back(one);
            }
        }
    }
    return all;
}

/// A model or a slice of it at work on the batch of small_model.h.
struct Worker {
    Worker(const ModelShape& shape, const std::vector<double>& host, TensorGroup* slices,
           bool recompute)
        : model(shape, *backend, slices),
          head(model, 3),
          parameters(*backend, host.size()),
          gradients(*backend, host.size()) {
        activations.recompute = recompute;
        parameters.load(host.data(), host.size());
        batch.load(*backend, test::small_batch(shape.vocabulary));
        model.forward(parameters.data(), batch, activations);
    }
    std::vector<double> logits() {
        const auto count = static_cast<std::size_t>(batch.rows());
        const std::size_t size = count * static_cast<std::size_t>(model.shape().vocabulary);
        Array<double> values(*backend, size);
        head.logits(parameters.data(), activations.hidden.data(), batch.rows(), values.data());
        return values.to_host(size);
    }
    void train() {
        head.backward(parameters.data(), gradients.data(), batch, activations, 0.7, loss);
        model.backward(parameters.data(), gradients.data(), batch, activations);
    }
    std::unique_ptr<Backend<double>> backend = make_reference_backend<double>();
    Transformer<double> model;
    OutputHead<double> head;
    Array<double> parameters, gradients;
    DeviceBatch batch;
    Activations<double> activations;
    WeightedLoss loss;
};

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected,
                 const std::string& what) {
    ASSERT_EQ(actual.size(), expected.size());
    double worst = 0;
    double largest = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        worst = std::max(worst, std::abs(actual[i] - expected[i]));
        largest = std::max(largest, std::abs(expected[i]));
    }
    EXPECT_LE(worst, kTolerance * std::max(1.0, largest)) << what;
    EXPECT_GT(largest, 0) << what;
}

/// The whole model and a slice of it, on the same weights.
struct Pair {
    explicit Pair(const Case& one)
        : comm(world->split(world->rank() / one.slices, world->rank())),
          whole_layout(one.shape),
          host(test::random_parameters<double>(whole_layout)),
          whole(one.shape, host, nullptr, false),
          group(make_tensor_group(*comm, TensorDevice{*whole.backend, nullptr}, {}).group),
          shape(slice_shape(one.shape, comm->rank(), one.slices)),
          layout(shape),
          slice(shape, cut_parameters<double>(layout, host, whole_layout),
                one.slices == 1 ? nullptr : group.get(), one.recompute) {}
    std::unique_ptr<Communicator> comm;
    ParameterLayout whole_layout;
    std::vector<double> host;
    Worker whole;
    std::unique_ptr<TensorGroup> group;
    ModelShape shape;
    ParameterLayout layout;
    Worker slice;
};

TEST(SlicesOnRanks, LogitsLossAndGradientsAreThoseOfOneRank) {
    for (const Case& one : cases()) {
        const std::string what = std::to_string(one.slices) + " slices, " +
                                 std::to_string(one.shape.attention.kv_heads) + " kv heads, " +
                                 (one.shape.tied ? "tied" : "untied");
        Pair pair(one);
        expect_near(pair.slice.logits(), pair.whole.logits(), what + ": logits");
        expect_near(pair.slice.head.logprobs(pair.slice.parameters.data(), pair.slice.batch,
                                             pair.slice.activations, 0.7),
                    pair.whole.head.logprobs(pair.whole.parameters.data(), pair.whole.batch,
                                             pair.whole.activations, 0.7),
                    what + ": log-probabilities");
        pair.whole.train();
        pair.slice.train();
        EXPECT_NEAR(pair.slice.loss.value, pair.whole.loss.value,
                    kTolerance * std::abs(pair.whole.loss.value));
        expect_near(pair.slice.loss.entropies, pair.whole.loss.entropies, what + ": entropies");
        const std::vector<double> expected = cut_parameters<double>(
            pair.layout, pair.whole.gradients.to_host(pair.host.size()), pair.whole_layout);
        const std::vector<double> actual = pair.slice.gradients.to_host(expected.size());
        for (const ParameterView& view : pair.layout.views()) {
            const auto values = [&](const std::vector<double>& all) {
                const auto first = all.begin() + static_cast<std::ptrdiff_t>(view.offset);
                return std::vector<double>(first, first + static_cast<std::ptrdiff_t>(view.count));
            };
            expect_near(values(actual), values(expected), what + ": " + view.name);
        }
    }
}

TEST(SlicesOnRanks, WhatEverySliceHasGetsTheSameBits) {
    for (const Case& one : cases()) {
        Pair pair(one);
        pair.slice.train();
        const std::vector<double> gradients = pair.slice.gradients.to_host(pair.layout.size());
        for (const ParameterView& view : pair.layout.views()) {
            if (view.cut != Cut::kNone) continue;
            const std::string_view bytes(
                reinterpret_cast<const char*>(gradients.data() + view.offset),
                view.count * sizeof(double));
            for (const std::string& other : pair.comm->all_gather(bytes))
                EXPECT_TRUE(other == bytes) << view.name;
        }
        const std::vector<double> logits = pair.slice.logits();
        const std::string_view bytes(reinterpret_cast<const char*>(logits.data()),
                                     logits.size() * sizeof(double));
        for (const std::string& other : pair.comm->all_gather(bytes)) EXPECT_TRUE(other == bytes);
    }
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
