// SPDX-License-Identifier: Apache-2.0
// One small model on the GPU, on the plain backend of the same type, and on the plain backend in
// double, which says what is right.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "mpi_runtime/comm/tensor_groups.h"
#include "mpi_runtime/trainer/actor.h"
#include "mpi_runtime/trainer/model_runner.h"
#include "tests/kernels/cuda/gpu_test.h"
#include "tests/mpi_runtime/model/small_model.h"

namespace r1::test {

/// Heads of the least width that the GPU takes.
inline ModelShape cuda_shape(bool tied) {
    ModelShape shape;
    shape.hidden = 40;
    shape.intermediate = 56;
    shape.layers = 2;
    shape.attention = {4, 2, 8};
    shape.vocabulary = 37;
    shape.max_positions = 64;
    shape.attention_bias = true;
    shape.tied = tied;
    return shape;
}

/// Weights that every type holds, so that all see the same model.
inline std::vector<float> cuda_weights(const ModelShape& shape) {
    std::vector<float> values = random_parameters<float>(ParameterLayout(shape));
    for (float& value : values) value = static_cast<float>(Bf16(0.5F * value));
    return values;
}

inline PackedBatch cuda_batch(const ModelShape& shape) {
    PackedBatch batch;
    for (const std::size_t length : {1, 9, 17, 3})
        batch.append(random_tokens(length, static_cast<std::uint32_t>(length), shape.vocabulary),
                     random_tokens(19 - length, 50, shape.vocabulary));
    return batch;
}

/// Minus the sum of weighted log-probabilities: as in policy optimisation, of both signs.
class WeightedLoss final : public TokenLoss {
  public:
    void evaluate(std::size_t first, std::span<const double> logprob,
                  std::span<const double> entropy, std::span<double> gradient) override {
        for (std::size_t i = 0; i < logprob.size(); ++i) {
            const double weight = (first + i) % 3 == 0 ? -0.03 : 0.05;
            value -= weight * logprob[i];
            entropies += entropy[i];
            gradient[i] = -weight;
        }
    }
    double value = 0;
    double entropies = 0;
};

/// An actor on a backend of its own.
struct ActorOn {
    ActorOn(const ModelShape& shape, std::unique_ptr<WideBackend<float>> made,
            ActorOptions options = {})
        : backend(std::move(made)), group(make_local_tensor_group(tensor_device(*backend))) {
        options.rollout = {3, 16, std::int64_t{1} << 22};  // one row of four is idle
        options.reference = true;
        actor = make_actor(shape, *backend, {*self, *self, *group}, options);
        actor->set_parameters(cuda_weights(shape));
        actor->keep_reference();
    }
    /// The gradient of the loss over a batch, in host memory.
    std::vector<float> gradient(const PackedBatch& batch, WeightedLoss& loss) {
        std::vector<float> host(actor->layout().size());
        backend->zero(actor->gradients(), host.size() * sizeof(float));
        actor->accumulate_gradient(actor->gradients(), batch, 0.8, loss);
        backend->to_host(host.data(), actor->gradients(), host.size() * sizeof(float));
        return host;
    }
    std::vector<float> weights() {
        const float* own = actor->own_values(Kept::kParameters);
        return {own, own + actor->own().size()};
    }

    std::unique_ptr<Communicator> self = make_self_communicator();
    std::unique_ptr<WideBackend<float>> backend;
    std::unique_ptr<TensorGroup> group;
    std::unique_ptr<Actor> actor;
};

/// The Euclidean distance of one tensor from what is right, relative to that.
template <class A>
double distance(const ParameterView& view, const std::vector<A>& got,
                const std::vector<double>& want) {
    double off = 0, size = 0;
    for (std::size_t i = view.offset; i < view.offset + view.count; ++i) {
        off += std::pow(static_cast<double>(got[i]) - want[i], 2);
        size += std::pow(want[i], 2);
    }
    return std::sqrt(off / size);
}

}  // namespace r1::test
