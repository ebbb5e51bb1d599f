// SPDX-License-Identifier: Apache-2.0
// The output projection with log-probabilities, in chunks of rows: no tokens × vocabulary matrix of
// the whole batch ever exists.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mpi_runtime/model/slice_softmax.h"
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

/// Of a slice of a model, every call but the join is collective over the slices, which all get the
/// same results.
template <class T>
class OutputHead {
  public:
    /// `chunk_rows` bounds the memory: chunk_rows × vocabulary values.
    OutputHead(Transformer<T>& model, std::int32_t chunk_rows);

    /// Log-probabilities of the targets at the loss rows under softmax(logits / temperature).
    std::vector<double> logprobs(const Weights<T>& weights, const DeviceBatch& batch,
                                 const Activations<T>& activations, double temperature);
    /// Runs the loss and leaves its gradient in activations.hidden_gradient, and the projection's
    /// in `gradients`.
    void backward(const Weights<T>& weights, const Gradients<Wide<T>>& gradients,
                  const DeviceBatch& batch, Activations<T>& activations, double temperature,
                  TokenLoss& loss);
    /// Opens the same sections as backward().
    void join_backward(const Weights<T>& weights, const Gradients<Wide<T>>& gradients);
    /// logits[count, vocabulary] of `count` rows of hidden states.
    void logits(const Weights<T>& weights, const T* hidden, std::int32_t count, Wide<T>* logits);

  private:
    using Rows = typename SliceSoftmax<T>::Rows;
    /// Gathers one chunk of loss rows and computes its logits and log-probabilities.
    Rows forward_chunk(const T* projection, const DeviceBatch& batch,
                       const Activations<T>& activations, std::int32_t first, std::int32_t count,
                       double temperature);
    /// d(loss)/d(logits) of that chunk, given d(loss)/d(logprob).
    void chunk_gradient(T* logits_gradient, const DeviceBatch& batch, std::int32_t first,
                        std::span<const double> gradient, double temperature);
    const T* projection(const Weights<T>& weights) const;
    std::vector<double> to_double(const Array<Wide<T>>& values, std::int32_t count) const;

    Transformer<T>& model_;
    Backend<T>& backend_;
    std::int32_t chunk_rows_;
    std::int32_t words_;                       // of the vocabulary that the projection has
    std::unique_ptr<SliceSoftmax<T>> slices_;  // null when that is all of it
    Array<T> gathered_, gathered_gradient_;
    Array<Wide<T>> logits_, logprob_, entropy_, logprob_gradient_;
    Array<T> logits_gradient_;  // empty where T is wide: the logits' memory then serves for both
};

extern template class OutputHead<Bf16>;
extern template class OutputHead<float>;
extern template class OutputHead<double>;

}  // namespace r1
