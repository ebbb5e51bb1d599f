// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/model_runner.h"

namespace r1 {

namespace {

constexpr std::int32_t kHeadChunkRows = 512;

}  // namespace

template <class T>
ModelRunner<T>::ModelRunner(Transformer<T>& model, bool recompute)
    : model_(model), head_(model, kHeadChunkRows) {
    activations_.recompute = recompute;
}

template <class T>
std::vector<double> ModelRunner<T>::logprobs(const Weights<T>& weights, const PackedBatch& batch,
                                             double temperature) {
    device_batch_.load(model_.backend(), batch);
    model_.forward(weights, device_batch_, activations_);
    return head_.logprobs(weights, device_batch_, activations_, temperature);
}

template <class T>
void ModelRunner<T>::accumulate_gradient(const Weights<T>& weights,
                                         const Gradients<Wide<T>>& gradients,
                                         const PackedBatch& batch, double temperature,
                                         TokenLoss& loss) {
    device_batch_.load(model_.backend(), batch);
    model_.forward(weights, device_batch_, activations_);
    head_.backward(weights, gradients, device_batch_, activations_, temperature, loss);
    model_.backward(weights, gradients, device_batch_, activations_);
}

template <class T>
void ModelRunner<T>::join_gradient(const Weights<T>& weights, const Gradients<Wide<T>>& gradients) {
    model_.join_forward(weights);
    head_.join_backward(weights, gradients);
    model_.join_backward(weights, gradients);
}

template class ModelRunner<Bf16>;
template class ModelRunner<float>;
template class ModelRunner<double>;

}  // namespace r1
