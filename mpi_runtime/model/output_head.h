// SPDX-License-Identifier: Apache-2.0
// The output projection with log-probabilities, in chunks of rows: no tokens × vocabulary matrix of
// the whole batch ever exists.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mpi_runtime/model/transformer.h"

namespace r1 {

/// A loss over tokens, seen through their log-probabilities.
class TokenLoss {
  public:
    virtual ~TokenLoss() = default;
    /// For loss rows [first, first + logprob.size()) of the batch: reads log-probabilities and
    /// entropies, writes d(loss)/d(logprob). Called once for each row, in order.
    virtual void evaluate(std::size_t first, std::span<const double> logprob,
                          std::span<const double> entropy, std::span<double> gradient) = 0;
};

template <class T>
class OutputHead {
  public:
    /// `chunk_rows` bounds the memory: chunk_rows × vocabulary values.
    OutputHead(Transformer<T>& model, std::int32_t chunk_rows);

    /// Log-probabilities of the targets at the loss rows under softmax(logits / temperature).
    std::vector<double> logprobs(const T* parameters, const DeviceBatch<T>& batch,
                                 const Activations<T>& activations, double temperature);
    /// Runs the loss and leaves its gradient in activations.hidden_gradient, and the projection's
    /// in `gradients`.
    void backward(const T* parameters, T* gradients, const DeviceBatch<T>& batch,
                  Activations<T>& activations, double temperature, TokenLoss& loss);
    /// logits[count, vocabulary] of `count` rows of hidden states.
    void logits(const T* parameters, const T* hidden, std::int32_t count, T* logits);

  private:
    /// Gathers one chunk of loss rows and computes its logits and log-probabilities.
    void forward_chunk(const T* parameters, const DeviceBatch<T>& batch,
                       const Activations<T>& activations, std::int32_t first, std::int32_t count,
                       double temperature);
    std::vector<double> to_double(const Array<T>& values, std::int32_t count) const;

    Transformer<T>& model_;
    Backend<T>& backend_;
    std::int32_t chunk_rows_;
    Array<T> gathered_, gathered_gradient_, logits_, logprob_, entropy_, logprob_gradient_;
};

extern template class OutputHead<float>;
extern template class OutputHead<double>;

}  // namespace r1
