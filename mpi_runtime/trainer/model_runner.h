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
    explicit ModelRunner(Transformer<T>& model);

    /// Log-probabilities of the batch's targets, by loss row.
    std::vector<double> logprobs(const T* parameters, const PackedBatch& batch, double temperature);
    /// Adds the gradient of `loss` over the batch to `gradients`.
    void accumulate_gradient(const T* parameters, T* gradients, const PackedBatch& batch,
                             double temperature, TokenLoss& loss);

  private:
    Transformer<T>& model_;
    OutputHead<T> head_;
    Activations<T> activations_;
    DeviceBatch<T> device_batch_;
};

extern template class ModelRunner<float>;
extern template class ModelRunner<double>;

}  // namespace r1
