// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/output_head.h"

#include <algorithm>

namespace r1 {

template <class T>
OutputHead<T>::OutputHead(Transformer<T>& model, std::int32_t chunk_rows)
    : model_(model), backend_(model.backend()), chunk_rows_(chunk_rows) {
    const auto rows = static_cast<std::size_t>(chunk_rows);
    const std::size_t hidden = rows * static_cast<std::size_t>(model.shape().hidden);
    gathered_ = Array<T>(backend_, hidden);
    gathered_gradient_ = Array<T>(backend_, hidden);
    logits_ = Array<T>(backend_, rows * static_cast<std::size_t>(model.shape().vocabulary));
    for (Array<T>* array : {&logprob_, &entropy_, &logprob_gradient_})
        *array = Array<T>(backend_, rows);
}

template <class T>
void OutputHead<T>::logits(const T* parameters, const T* hidden, std::int32_t count, T* logits) {
    backend_.linear_forward(logits, hidden, parameters + model_.layout().head(), nullptr, count,
                            model_.shape().vocabulary, model_.shape().hidden);
}

template <class T>
void OutputHead<T>::forward_chunk(const T* parameters, const DeviceBatch<T>& batch,
                                  const Activations<T>& activations, std::int32_t first,
                                  std::int32_t count, double temperature) {
    backend_.gather_rows(gathered_.data(), activations.hidden.data(), batch.loss_rows() + first,
                         count, model_.shape().hidden);
    logits(parameters, gathered_.data(), count, logits_.data());
    backend_.logprob_forward(logprob_.data(), entropy_.data(), logits_.data(),
                             batch.targets() + first, count, model_.shape().vocabulary,
                             temperature);
}

template <class T>
std::vector<double> OutputHead<T>::to_double(const Array<T>& values, std::int32_t count) const {
    const std::vector<T> host = values.to_host(static_cast<std::size_t>(count));
    return {host.begin(), host.end()};
}

template <class T>
std::vector<double> OutputHead<T>::logprobs(const T* parameters, const DeviceBatch<T>& batch,
                                            const Activations<T>& activations, double temperature) {
    std::vector<double> all;
    all.reserve(static_cast<std::size_t>(batch.loss_count()));
    for (std::int32_t first = 0; first < batch.loss_count(); first += chunk_rows_) {
        const std::int32_t count = std::min(chunk_rows_, batch.loss_count() - first);
        forward_chunk(parameters, batch, activations, first, count, temperature);
        const std::vector<double> chunk = to_double(logprob_, count);
        all.insert(all.end(), chunk.begin(), chunk.end());
    }
    return all;
}

template <class T>
void OutputHead<T>::backward(const T* parameters, T* gradients, const DeviceBatch<T>& batch,
                             Activations<T>& activations, double temperature, TokenLoss& loss) {
    const std::int32_t hidden = model_.shape().hidden;
    const std::int32_t vocabulary = model_.shape().vocabulary;
    const std::size_t head = model_.layout().head();
    const std::size_t size =
        static_cast<std::size_t>(batch.rows()) * static_cast<std::size_t>(hidden);
    activations.hidden_gradient.reserve(backend_, size);
    backend_.zero(activations.hidden_gradient.data(), size * sizeof(T));
    for (std::int32_t first = 0; first < batch.loss_count(); first += chunk_rows_) {
        const std::int32_t count = std::min(chunk_rows_, batch.loss_count() - first);
        forward_chunk(parameters, batch, activations, first, count, temperature);
        std::vector<double> gradient(static_cast<std::size_t>(count));
        loss.evaluate(static_cast<std::size_t>(first), to_double(logprob_, count),
                      to_double(entropy_, count), gradient);
        const std::vector<T> narrowed(gradient.begin(), gradient.end());
        logprob_gradient_.load(narrowed.data(), narrowed.size());
        backend_.logprob_backward(logits_.data(), logprob_gradient_.data(), batch.targets() + first,
                                  count, vocabulary, temperature);
        backend_.linear_backward_weight(gradients + head, nullptr, logits_.data(), gathered_.data(),
                                        count, vocabulary, hidden);
        backend_.linear_backward_input(gathered_gradient_.data(), logits_.data(), parameters + head,
                                       count, vocabulary, hidden, false);
        backend_.scatter_add_rows(activations.hidden_gradient.data(), gathered_gradient_.data(),
                                  batch.loss_rows() + first, count, hidden);
    }
}

template class OutputHead<float>;
template class OutputHead<double>;

}  // namespace r1
