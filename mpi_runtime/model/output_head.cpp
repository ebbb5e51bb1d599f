// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/output_head.h"

#include <algorithm>
#include <type_traits>

namespace r1 {

template <class T>
OutputHead<T>::OutputHead(Transformer<T>& model, std::int32_t chunk_rows)
    : model_(model),
      backend_(model.backend()),
      chunk_rows_(chunk_rows),
      words_(model.shape().vocabulary_part().count) {
    const auto rows = static_cast<std::size_t>(chunk_rows);
    const std::size_t hidden = rows * static_cast<std::size_t>(model.shape().hidden);
    gathered_ = Array<T>(backend_, hidden);
    gathered_gradient_ = Array<T>(backend_, hidden);
    const std::size_t logits = rows * static_cast<std::size_t>(words_);
    logits_ = Array<Wide<T>>(backend_, logits);
    if constexpr (!std::is_same_v<T, Wide<T>>) logits_gradient_ = Array<T>(backend_, logits);
    for (Array<Wide<T>>* array : {&logprob_, &entropy_, &logprob_gradient_})
        *array = Array<Wide<T>>(backend_, rows);
    if (model.slices() != nullptr)
        slices_ =
            std::make_unique<SliceSoftmax<T>>(backend_, model.shape(), *model.slices(), chunk_rows);
}

template <class T>
const T* OutputHead<T>::projection(const Weights<T>& weights) const {
    const ParameterLayout& layout = model_.layout();
    // The pass goes on backwards, with the end's norm.
    return weights.section(layout, layout.head_section(), layout.end_section()).at(layout.head());
}

template <class T>
void OutputHead<T>::logits(const Weights<T>& weights, const T* hidden, std::int32_t count,
                           Wide<T>* logits) {
    Wide<T>* const own = slices_ ? slices_->room(count) : logits;
    backend_.linear_forward_wide(own, hidden, projection(weights), count, words_,
                                 model_.shape().hidden);
    if (slices_) slices_->gather(logits, count);
}

template <class T>
typename OutputHead<T>::Rows OutputHead<T>::forward_chunk(const T* projection,
                                                          const DeviceBatch& batch,
                                                          const Activations<T>& activations,
                                                          std::int32_t first, std::int32_t count,
                                                          double temperature) {
    backend_.gather_rows(gathered_.data(), activations.hidden.data(), batch.loss_rows() + first,
                         count, model_.shape().hidden);
    backend_.linear_forward_wide(logits_.data(), gathered_.data(), projection, count, words_,
                                 model_.shape().hidden);
    const std::int32_t* const targets = batch.targets() + first;
    if (slices_) return slices_->forward(logits_.data(), targets, count, temperature);
    backend_.logprob_forward(logprob_.data(), entropy_.data(), logits_.data(), targets, count,
                             words_, temperature);
    return {to_double(logprob_, count), to_double(entropy_, count)};
}

template <class T>
void OutputHead<T>::chunk_gradient(T* logits_gradient, const DeviceBatch& batch, std::int32_t first,
                                   std::span<const double> gradient, double temperature) {
    if (slices_) return slices_->backward(logits_gradient, logits_.data(), gradient);
    const std::vector<Wide<T>> narrowed(gradient.begin(), gradient.end());
    logprob_gradient_.load(narrowed.data(), narrowed.size());
    backend_.logprob_backward(logits_gradient, logits_.data(), logprob_gradient_.data(),
                              batch.targets() + first, static_cast<std::int32_t>(gradient.size()),
                              words_, temperature);
}

template <class T>
std::vector<double> OutputHead<T>::to_double(const Array<Wide<T>>& values,
                                             std::int32_t count) const {
    const std::vector<Wide<T>> host = values.to_host(static_cast<std::size_t>(count));
    return {host.begin(), host.end()};
}

template <class T>
std::vector<double> OutputHead<T>::logprobs(const Weights<T>& weights, const DeviceBatch& batch,
                                            const Activations<T>& activations, double temperature) {
    const T* const head = projection(weights);
    std::vector<double> all;
    all.reserve(static_cast<std::size_t>(batch.loss_count()));
    for (std::int32_t first = 0; first < batch.loss_count(); first += chunk_rows_) {
        const std::int32_t count = std::min(chunk_rows_, batch.loss_count() - first);
        const Rows rows = forward_chunk(head, batch, activations, first, count, temperature);
        all.insert(all.end(), rows.logprob.begin(), rows.logprob.end());
    }
    return all;
}

template <class T>
void OutputHead<T>::backward(const Weights<T>& weights, const Gradients<Wide<T>>& gradients,
                             const DeviceBatch& batch, Activations<T>& activations,
                             double temperature, TokenLoss& loss) {
    const std::int32_t hidden = model_.shape().hidden;
    const ParameterLayout& layout = model_.layout();
    const T* const head = projection(weights);
    Wide<T>* const head_gradient =
        gradients.section(layout, layout.head_section()).at(layout.head());
    const std::size_t size =
        static_cast<std::size_t>(batch.rows()) * static_cast<std::size_t>(hidden);
    activations.hidden_gradient.reserve(backend_, size);
    backend_.zero(activations.hidden_gradient.data(), size * sizeof(T));
    T* logits_gradient = logits_gradient_.data();
    if constexpr (std::is_same_v<T, Wide<T>>) logits_gradient = logits_.data();
    for (std::int32_t first = 0; first < batch.loss_count(); first += chunk_rows_) {
        const std::int32_t count = std::min(chunk_rows_, batch.loss_count() - first);
        const Rows rows = forward_chunk(head, batch, activations, first, count, temperature);
        std::vector<double> gradient(static_cast<std::size_t>(count));
        loss.evaluate(static_cast<std::size_t>(first), rows.logprob, rows.entropy, gradient);
        chunk_gradient(logits_gradient, batch, first, gradient, temperature);
        backend_.linear_backward_weight(head_gradient, nullptr, logits_gradient, gathered_.data(),
                                        count, words_, hidden);
        backend_.linear_backward_input(gathered_gradient_.data(), logits_gradient, head, count,
                                       words_, hidden, false);
        model_.sum_slices(gathered_gradient_.data(), count);
        backend_.scatter_add_rows(activations.hidden_gradient.data(), gathered_gradient_.data(),
                                  batch.loss_rows() + first, count, hidden);
    }
}

template <class T>
void OutputHead<T>::join_backward(const Weights<T>& weights, const Gradients<Wide<T>>& gradients) {
    projection(weights);
    gradients.section(model_.layout(), model_.layout().head_section());
}

template class OutputHead<Bf16>;
template class OutputHead<float>;
template class OutputHead<double>;

}  // namespace r1
