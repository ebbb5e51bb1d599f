// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/transformer.h"

#include <algorithm>
#include <utility>

namespace r1 {

namespace {

std::size_t product(std::int32_t rows, std::int32_t width) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(width);
}

}  // namespace

template <class T>
void LayerActivations<T>::reserve(Backend<T>& backend, const ModelShape& shape, std::size_t rows) {
    const auto hidden = static_cast<std::size_t>(shape.hidden);
    const auto wide = static_cast<std::size_t>(shape.intermediate);
    for (Array<T>* array : {&input, &norm1, &middle, &norm2})
        array->reserve(backend, rows * hidden);
    for (Array<T>* array : {&rstd1, &rstd2}) array->reserve(backend, rows);
    qkv.reserve(backend, rows * static_cast<std::size_t>(shape.attention.qkv_width()));
    attention.reserve(backend, rows * static_cast<std::size_t>(shape.attention.query_width()));
    lse.reserve(backend, rows * static_cast<std::size_t>(shape.attention.heads));
    gate_up.reserve(backend, rows * wide * 2);
    activated.reserve(backend, rows * wide);
}

template <class T>
template <class Attend>
void Transformer<T>::layer_forward(const T* parameters, std::int32_t layer, LayerActivations<T>& at,
                                   T* output, const std::int32_t* positions, std::int32_t rows,
                                   Attend&& attend) {
    const LayerOffsets& w = layout_.layer(layer);
    const HeadShape& heads = shape_.attention;
    const std::size_t stream = product(rows, shape_.hidden);
    const T* qkv_bias = shape_.attention_bias ? parameters + w.qkv_bias : nullptr;

    backend_.rms_norm_forward(at.norm1.data(), at.rstd1.data(), at.input.data(),
                              parameters + w.input_norm, rows, shape_.hidden, shape_.rms_norm_eps);
    backend_.linear_forward(at.qkv.data(), at.norm1.data(), parameters + w.qkv, qkv_bias, rows,
                            heads.qkv_width(), shape_.hidden);
    // Queries and keys lie behind one another in a row: one rotation turns both.
    backend_.rope(at.qkv.data(), positions, rows, heads.heads + heads.kv_heads, heads.head_dim,
                  heads.qkv_width(), shape_.rope_theta, false);
    attend(at);
    backend_.linear_forward(at.middle.data(), at.attention.data(), parameters + w.output, nullptr,
                            rows, shape_.hidden, heads.query_width());
    backend_.add(at.middle.data(), at.input.data(), stream);

    backend_.rms_norm_forward(at.norm2.data(), at.rstd2.data(), at.middle.data(),
                              parameters + w.middle_norm, rows, shape_.hidden, shape_.rms_norm_eps);
    backend_.linear_forward(at.gate_up.data(), at.norm2.data(), parameters + w.gate_up, nullptr,
                            rows, 2 * shape_.intermediate, shape_.hidden);
    backend_.swiglu_forward(at.activated.data(), at.gate_up.data(), rows, shape_.intermediate);
    backend_.linear_forward(output, at.activated.data(), parameters + w.down, nullptr, rows,
                            shape_.hidden, shape_.intermediate);
    backend_.add(output, at.middle.data(), stream);
}

template <class T>
void Transformer<T>::final_norm(const T* parameters, Activations<T>& activations,
                                std::int32_t rows) {
    activations.rstd.reserve(backend_, static_cast<std::size_t>(rows));
    activations.hidden.reserve(backend_, product(rows, shape_.hidden));
    backend_.rms_norm_forward(activations.hidden.data(), activations.rstd.data(),
                              activations.last.data(), parameters + layout_.final_norm(), rows,
                              shape_.hidden, shape_.rms_norm_eps);
}

template <class T>
void Transformer<T>::forward(const T* parameters, const DeviceBatch<T>& batch,
                             Activations<T>& activations) {
    const std::int32_t rows = batch.rows();
    const auto layers = static_cast<std::size_t>(shape_.layers);
    if (activations.layers.size() < layers) activations.layers.resize(layers);
    for (std::size_t layer = 0; layer < layers; ++layer)
        activations.layers[layer].reserve(backend_, shape_, static_cast<std::size_t>(rows));
    activations.last.reserve(backend_, product(rows, shape_.hidden));

    backend_.embedding_forward(activations.layers[0].input.data(), parameters + layout_.embedding(),
                               batch.tokens(), rows, shape_.hidden);
    for (std::int32_t layer = 0; layer < shape_.layers; ++layer) {
        const auto index = static_cast<std::size_t>(layer);
        T* output = index + 1 < layers ? activations.layers[index + 1].input.data()
                                       : activations.last.data();
        layer_forward(parameters, layer, activations.layers[index], output, batch.positions(), rows,
                      [&](LayerActivations<T>& at) {
                          backend_.attention_forward(at.attention.data(), at.lse.data(),
                                                     at.qkv.data(), batch.sequences(),
                                                     shape_.attention);
                      });
    }
    final_norm(parameters, activations, rows);
}

template <class T>
void Transformer<T>::forward_cached(const T* parameters, const CachedStep& step,
                                    KeyValueCache<T>& cache, Activations<T>& activations) {
    const std::int32_t rows = step.rows.rows;
    if (activations.layers.empty()) activations.layers.resize(1);
    LayerActivations<T>& at = activations.layers[0];
    at.reserve(backend_, shape_, static_cast<std::size_t>(rows));
    activations.last.reserve(backend_, product(rows, shape_.hidden));

    backend_.embedding_forward(at.input.data(), parameters + layout_.embedding(), step.tokens, rows,
                               shape_.hidden);
    for (std::int32_t layer = 0; layer < shape_.layers; ++layer) {
        const PagedCache<T> pages = cache.layer(layer);
        layer_forward(parameters, layer, at, activations.last.data(), step.rows.positions, rows,
                      [&](LayerActivations<T>& now) {
                          backend_.cache_store(pages, now.qkv.data(), step.rows, shape_.attention);
                          backend_.attention_cached(now.attention.data(), now.qkv.data(), pages,
                                                    step.rows, shape_.attention);
                      });
        if (layer + 1 < shape_.layers) std::swap(at.input, activations.last);
    }
    final_norm(parameters, activations, rows);
}

template <class T>
void Transformer<T>::layer_backward(const T* parameters, T* gradients, std::int32_t layer,
                                    LayerActivations<T>& at, const DeviceBatch<T>& batch,
                                    Activations<T>& scratch) {
    const LayerOffsets& w = layout_.layer(layer);
    const HeadShape& heads = shape_.attention;
    const std::int32_t rows = batch.rows();
    T* stream = scratch.stream_gradient.data();  // d(loss)/d(output), then /d(input)
    T* wide = scratch.wide_gradient.data();
    T* branch = scratch.branch_gradient.data();
    T* norm = scratch.norm_gradient.data();

    // The feed-forward half.
    backend_.linear_backward_weight(gradients + w.down, nullptr, stream, at.activated.data(), rows,
                                    shape_.hidden, shape_.intermediate);
    backend_.linear_backward_input(branch, stream, parameters + w.down, rows, shape_.hidden,
                                   shape_.intermediate, false);
    backend_.swiglu_backward(wide, branch, at.gate_up.data(), rows, shape_.intermediate);
    backend_.linear_backward_weight(gradients + w.gate_up, nullptr, wide, at.norm2.data(), rows,
                                    2 * shape_.intermediate, shape_.hidden);
    backend_.linear_backward_input(norm, wide, parameters + w.gate_up, rows,
                                   2 * shape_.intermediate, shape_.hidden, false);
    backend_.rms_norm_backward(stream, gradients + w.middle_norm, norm, at.middle.data(),
                               parameters + w.middle_norm, at.rstd2.data(), rows, shape_.hidden);

    // The attention half.
    backend_.linear_backward_weight(gradients + w.output, nullptr, stream, at.attention.data(),
                                    rows, shape_.hidden, heads.query_width());
    backend_.linear_backward_input(branch, stream, parameters + w.output, rows, shape_.hidden,
                                   heads.query_width(), false);
    backend_.attention_backward(wide, scratch.dot.data(), branch, at.attention.data(),
                                at.lse.data(), at.qkv.data(), batch.sequences(), heads);
    backend_.rope(wide, batch.positions(), rows, heads.heads + heads.kv_heads, heads.head_dim,
                  heads.qkv_width(), shape_.rope_theta, true);
    T* bias_gradient = shape_.attention_bias ? gradients + w.qkv_bias : nullptr;
    backend_.linear_backward_weight(gradients + w.qkv, bias_gradient, wide, at.norm1.data(), rows,
                                    heads.qkv_width(), shape_.hidden);
    backend_.linear_backward_input(norm, wide, parameters + w.qkv, rows, heads.qkv_width(),
                                   shape_.hidden, false);
    backend_.rms_norm_backward(stream, gradients + w.input_norm, norm, at.input.data(),
                               parameters + w.input_norm, at.rstd1.data(), rows, shape_.hidden);
}

template <class T>
void Transformer<T>::backward(const T* parameters, T* gradients, const DeviceBatch<T>& batch,
                              Activations<T>& activations) {
    const std::int32_t rows = batch.rows();
    const HeadShape& heads = shape_.attention;
    const std::size_t stream = product(rows, shape_.hidden);
    activations.stream_gradient.reserve(backend_, stream);
    activations.norm_gradient.reserve(backend_, stream);
    activations.wide_gradient.reserve(
        backend_, product(rows, std::max(2 * shape_.intermediate, heads.qkv_width())));
    activations.branch_gradient.reserve(
        backend_, product(rows, std::max(shape_.intermediate, heads.query_width())));
    activations.dot.reserve(backend_, product(rows, heads.heads));

    backend_.zero(activations.stream_gradient.data(), stream * sizeof(T));
    backend_.rms_norm_backward(activations.stream_gradient.data(), gradients + layout_.final_norm(),
                               activations.hidden_gradient.data(), activations.last.data(),
                               parameters + layout_.final_norm(), activations.rstd.data(), rows,
                               shape_.hidden);
    for (std::int32_t layer = shape_.layers; layer-- > 0;)
        layer_backward(parameters, gradients, layer,
                       activations.layers[static_cast<std::size_t>(layer)], batch, activations);
    backend_.embedding_backward(gradients + layout_.embedding(), activations.stream_gradient.data(),
                                batch.tokens(), rows, shape_.hidden);
}

template struct LayerActivations<float>;
template struct LayerActivations<double>;
template class Transformer<float>;
template class Transformer<double>;

}  // namespace r1
