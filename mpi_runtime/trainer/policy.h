// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "kernels/array.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/model/transformer.h"
#include "recipes/recipe.h"

namespace r1 {

/// The weights that are trained, with their gradient and AdamW's moments, each one flat buffer in
/// the Transformer's layout. Every rank holds a full copy, and all copies have the same bits.
class Policy {
  public:
    Policy(const ModelShape& shape, Backend<float>& backend);

    Transformer<float>& model() { return model_; }
    std::size_t size() const { return parameters_.size(); }
    float* parameters() { return parameters_.data(); }
    float* gradients() { return gradients_.data(); }
    float* first_moment() { return first_moment_.data(); }
    float* second_moment() { return second_moment_.data(); }
    std::int64_t updates() const { return updates_; }
    void set_updates(std::int64_t updates) { updates_ = updates; }
    void set_parameters(std::span<const float> host);

    void zero_gradients() { gradients_.zero(); }
    /// Sums the gradient over the ranks, clips it by its norm and makes one AdamW step. Collective.
    /// Returns the norm before clipping. Throws Error when the gradient is not finite: the weights
    /// are then as they were.
    double update(Communicator& comm, const OptimizerSection& optimizer, double learning_rate);

  private:
    Backend<float>& backend_;
    Transformer<float> model_;
    Array<float> parameters_, gradients_, first_moment_, second_moment_;
    std::int64_t updates_ = 0;
};

}  // namespace r1
