// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "kernels/array.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/model/transformer.h"
#include "mpi_runtime/trainer/parameter_shards.h"
#include "recipes/recipe.h"

namespace r1 {

/// The weights that are trained, with their gradient and AdamW's moments, in the Transformer's
/// layout. Every rank holds all weights and a whole gradient, and all copies of the weights have
/// the same bits; of the moments a rank holds those of its own range.
class Policy {
  public:
    Policy(const ModelShape& shape, Backend<float>& backend, int rank = 0, int ranks = 1);

    Transformer<float>& model() { return model_; }
    const ParameterShards& shards() const { return shards_; }
    /// The range of the flat buffers for which this rank keeps the optimizer's state.
    const ValueRange& own() const { return own_; }
    std::size_t size() const { return parameters_.size(); }
    float* parameters() { return parameters_.data(); }
    float* gradients() { return gradients_.data(); }
    /// own().size() values: those of parameters own().first and on.
    float* first_moment() { return first_moment_.data(); }
    float* second_moment() { return second_moment_.data(); }
    std::int64_t updates() const { return updates_; }
    void set_updates(std::int64_t updates) { updates_ = updates; }
    void set_parameters(std::span<const float> host);

    void zero_gradients() { gradients_.zero(); }
    /// Clips the gradient by its norm, makes one AdamW step on the own range and exchanges the new
    /// weights. Each rank's own range of gradients() holds the sum over the ranks (GradientShards).
    /// Collective. Returns the norm before clipping, which with the weights does not depend on the
    /// number of ranks when the gradient does not. Throws Error on every rank when the gradient is
    /// not finite: the weights are then as they were.
    double update(Communicator& comm, const OptimizerSection& optimizer, double learning_rate);

  private:
    double gradient_norm(Communicator& comm);

    Backend<float>& backend_;
    Transformer<float> model_;
    ParameterShards shards_;
    ValueRange own_;
    Array<float> parameters_, gradients_, first_moment_, second_moment_;
    std::int64_t updates_ = 0;
};

}  // namespace r1
