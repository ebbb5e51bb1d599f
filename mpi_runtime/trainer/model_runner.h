// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "mpi_runtime/model/output_head.h"
#include "mpi_runtime/model/transformer.h"

namespace r1 {

/// A Transformer with its working memory: what a stage calls for one micro-batch. Policy and
/// reference go through the same runner with their own parameters.
template <class T>
class ModelRunner {
  public:
    /// With recompute, activations are computed again in the backward pass instead of kept.
    explicit ModelRunner(Transformer<T>& model, bool recompute = false);

    /// Log-probabilities of the batch's targets, by loss row.
    std::vector<double> logprobs(const Weights<T>& weights, const PackedBatch& batch,
                                 double temperature);
    /// Adds the gradient of `loss` over the batch to `gradients`.
    void accumulate_gradient(const Weights<T>& weights, const Gradients<Wide<T>>& gradients,
                             const PackedBatch& batch, double temperature, TokenLoss& loss);

    /// Asks for the same sections in the same order, for a rank that has no batch while others do.
    void join_gradient(const Weights<T>& weights, const Gradients<Wide<T>>& gradients);

  private:
    Transformer<T>& model_;
    OutputHead<T> head_;
    Activations<T> activations_;
    DeviceBatch device_batch_;
};

extern template class ModelRunner<Bf16>;
extern template class ModelRunner<float>;
extern template class ModelRunner<double>;

}  // namespace r1
