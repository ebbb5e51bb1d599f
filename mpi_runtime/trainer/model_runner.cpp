// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/model_runner.h"

namespace r1 {

namespace {

constexpr std::int32_t kHeadChunkRows = 512;

}  // namespace

template <class T>
ModelRunner<T>::ModelRunner(Transformer<T>& model) : model_(model), head_(model, kHeadChunkRows) {}

template <class T>
std::vector<double> ModelRunner<T>::logprobs(const T* parameters, const PackedBatch& batch,
                                             double temperature) {
    device_batch_.load(model_.backend(), batch);
    model_.forward(parameters, device_batch_, activations_);
    return head_.logprobs(parameters, device_batch_, activations_, temperature);
}

template <class T>
void ModelRunner<T>::accumulate_gradient(const T* parameters, T* gradients,
                                         const PackedBatch& batch, double temperature,
                                         TokenLoss& loss) {
    device_batch_.load(model_.backend(), batch);
    model_.forward(parameters, device_batch_, activations_);
    head_.backward(parameters, gradients, device_batch_, activations_, temperature, loss);
    model_.backward(parameters, gradients, device_batch_, activations_);
}

template class ModelRunner<float>;
template class ModelRunner<double>;

}  // namespace r1
