// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/transformer.h"

#include <algorithm>
#include <utility>

#include "mpi_runtime/model/value_type.h"

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
    for (Array<T>* array : {&norm1, &middle, &norm2}) array->reserve(backend, rows * hidden);
    for (Array<Wide<T>>* array : {&rstd1, &rstd2}) array->reserve(backend, rows);
    qkv.reserve(backend, rows * static_cast<std::size_t>(shape.attention.qkv_width()));
    attention.reserve(backend, rows * static_cast<std::size_t>(shape.attention.query_width()));
    lse.reserve(backend, rows * static_cast<std::size_t>(shape.attention.heads));
    gate_up.reserve(backend, rows * wide * 2);
    activated.reserve(backend, rows * wide);
}

template <class T>
void Transformer<T>::sum_slices(T* values, std::int32_t rows) const {
    if (slices_ != nullptr)
        slices_->all_reduce(values, product(rows, shape_.hidden), value_type_of<T>());
}

template <class T>
void Transformer<T>::add_to_stream(T* y, const T* x, const T* w, const T* residual,
                                   std::int32_t rows, std::int32_t columns) {
    // The residual is in the sum over the slices once.
    if (shape_.slice == 0) {
        backend_.linear_forward_residual(y, x, w, residual, rows, shape_.hidden, columns);
    } else {
        backend_.linear_forward(y, x, w, nullptr, rows, shape_.hidden, columns);
    }
    sum_slices(y, rows);
}

template <class T>
Section<const T> Transformer<T>::layer_weights(const Weights<T>& weights, std::int32_t layer,
                                               std::size_t next) const {
    return weights.section(layout_, ParameterLayout::layer_section(layer), next);
}

template <class T>
void Transformer<T>::layer_inside(const Section<const T>& weights, std::int32_t layer,
                                  LayerActivations<T>& at, const T* input,
                                  const DeviceBatch& batch) {
    const std::int32_t rows = batch.rows();
    const LayerOffsets& w = layout_.layer(layer);
    const HeadShape& heads = shape_.attention;
    const T* qkv_bias = shape_.attention_bias ? weights.at(w.qkv_bias) : nullptr;

    backend_.rms_norm_forward(at.norm1.data(), at.rstd1.data(), input, weights.at(w.input_norm),
                              rows, shape_.hidden, shape_.rms_norm_eps);
    backend_.linear_forward(at.qkv.data(), at.norm1.data(), weights.at(w.qkv), qkv_bias, rows,
                            heads.qkv_width(), shape_.hidden);
    // Queries and keys lie behind one another in a row: one rotation turns both.
    backend_.rope(at.qkv.data(), batch.positions(), rows, heads.heads + heads.kv_heads,
                  heads.head_dim, heads.qkv_width(), shape_.rope_theta, false);
    backend_.attention_forward(at.attention.data(), at.lse.data(), at.qkv.data(), batch.sequences(),
                               heads);
    add_to_stream(at.middle.data(), at.attention.data(), weights.at(w.output), input, rows,
                  heads.query_width());
    backend_.rms_norm_forward(at.norm2.data(), at.rstd2.data(), at.middle.data(),
                              weights.at(w.middle_norm), rows, shape_.hidden, shape_.rms_norm_eps);
    backend_.linear_forward(at.gate_up.data(), at.norm2.data(), weights.at(w.gate_up), nullptr,
                            rows, 2 * shape_.intermediate, shape_.hidden);
    backend_.swiglu_forward(at.activated.data(), at.gate_up.data(), rows, shape_.intermediate);
}

template <class T>
void Transformer<T>::layer_cached(const Section<const T>& weights, std::int32_t layer,
                                  LayerActivations<T>& at, const T* input, const CachedRows& rows,
                                  const PagedCache<T>& cache) {
    const LayerOffsets& w = layout_.layer(layer);
    const HeadShape& heads = shape_.attention;
    const auto normed = [&](const T* x, std::size_t weight, T* room, Wide<T>* rstd) {
        return NormedRows<T>{x, weights.at(weight), shape_.hidden, shape_.rms_norm_eps, room, rstd};
    };
    const T* qkv_bias = shape_.attention_bias ? weights.at(w.qkv_bias) : nullptr;
    backend_.attention_inputs(at.qkv.data(), cache,
                              normed(input, w.input_norm, at.norm1.data(), at.rstd1.data()),
                              weights.at(w.qkv), qkv_bias, rows, heads, shape_.rope_theta);
    backend_.attention_cached(at.attention.data(), at.qkv.data(), cache, rows, heads);
    add_to_stream(at.middle.data(), at.attention.data(), weights.at(w.output), input, rows.rows,
                  heads.query_width());
    backend_.feed_forward_inputs(
        at.activated.data(), at.gate_up.data(),
        normed(at.middle.data(), w.middle_norm, at.norm2.data(), at.rstd2.data()),
        weights.at(w.gate_up), rows.rows, shape_.intermediate);
}

template <class T>
void Transformer<T>::layer_output(const Section<const T>& weights, std::int32_t layer,
                                  const LayerActivations<T>& at, T* output, std::int32_t rows) {
    add_to_stream(output, at.activated.data(), weights.at(layout_.layer(layer).down),
                  at.middle.data(), rows, shape_.intermediate);
}

template <class T>
void Transformer<T>::final_norm(const Weights<T>& weights, Activations<T>& activations,
                                std::int32_t rows) {
    activations.rstd.reserve(backend_, static_cast<std::size_t>(rows));
    activations.hidden.reserve(backend_, product(rows, shape_.hidden));
    const std::size_t end = layout_.end_section();
    const T* weight = weights.section(layout_, end, end).at(layout_.final_norm());
    backend_.rms_norm_forward(activations.hidden.data(), activations.rstd.data(),
                              activations.last.data(), weight, rows, shape_.hidden,
                              shape_.rms_norm_eps);
}

template <class T>
void Transformer<T>::forward(const Weights<T>& weights, const DeviceBatch& batch,
                             Activations<T>& activations) {
    const std::int32_t rows = batch.rows();
    const std::size_t stream = product(rows, shape_.hidden);
    const auto layers = static_cast<std::size_t>(shape_.layers);
    const std::size_t kept = activations.recompute ? 1 : layers;
    if (activations.layers.size() < kept) activations.layers.resize(kept);
    if (activations.inputs.size() < layers) activations.inputs.resize(layers);
    for (std::size_t i = 0; i < kept; ++i)
        activations.layers[i].reserve(backend_, shape_, static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < layers; ++i) activations.inputs[i].reserve(backend_, stream);
    activations.last.reserve(backend_, stream);

    backend_.embedding_forward(activations.inputs[0].data(),
                               weights.section(layout_, 0, 1).at(layout_.embedding()),
                               shape_.vocabulary_part(), batch.tokens(), rows, shape_.hidden);
    sum_slices(activations.inputs[0].data(), rows);
    for (std::int32_t layer = 0; layer < shape_.layers; ++layer) {
        const auto index = static_cast<std::size_t>(layer);
        LayerActivations<T>& at = activations.layers[activations.recompute ? 0 : index];
        T* output =
            index + 1 < layers ? activations.inputs[index + 1].data() : activations.last.data();
        const auto section = layer_weights(weights, layer, index + 2);
        layer_inside(section, layer, at, activations.inputs[index].data(), batch);
        layer_output(section, layer, at, output, rows);
    }
    final_norm(weights, activations, rows);
}

template <class T>
void Transformer<T>::reserve_cached(Activations<T>& activations, std::int32_t rows) {
    const std::size_t stream = product(rows, shape_.hidden);
    if (activations.layers.empty()) activations.layers.resize(1);
    if (activations.inputs.empty()) activations.inputs.resize(1);
    activations.layers[0].reserve(backend_, shape_, static_cast<std::size_t>(rows));
    activations.inputs[0].reserve(backend_, stream);
    activations.last.reserve(backend_, stream);
    activations.rstd.reserve(backend_, static_cast<std::size_t>(rows));
    activations.hidden.reserve(backend_, stream);
}

template <class T>
template <class Inside>
void Transformer<T>::pass_over_layers(const Weights<T>& weights, const std::int32_t* tokens,
                                      std::int32_t rows, Activations<T>& activations,
                                      const Inside& inside) {
    reserve_cached(activations, rows);
    LayerActivations<T>& at = activations.layers[0];
    T* input = activations.inputs[0].data();
    T* output = activations.last.data();
    // The layers write to both in turn; an even number of them would end in the input's.
    if (shape_.layers % 2 == 0) std::swap(input, output);
    backend_.embedding_forward(input, weights.section(layout_, 0, 1).at(layout_.embedding()),
                               shape_.vocabulary_part(), tokens, rows, shape_.hidden);
    sum_slices(input, rows);
    for (std::int32_t layer = 0; layer < shape_.layers; ++layer) {
        const auto section =
            layer_weights(weights, layer, ParameterLayout::layer_section(layer) + 1);
        inside(section, layer, at, input);
        layer_output(section, layer, at, output, rows);
        std::swap(input, output);
    }
    final_norm(weights, activations, rows);
}

template <class T>
void Transformer<T>::forward_prompts(const Weights<T>& weights, const DeviceBatch& batch,
                                     const CachedRows& rows, KeyValueCache<T>& cache,
                                     Activations<T>& activations) {
    pass_over_layers(weights, batch.tokens(), batch.rows(), activations,
                     [&](const Section<const T>& section, std::int32_t layer,
                         LayerActivations<T>& at, const T* input) {
                         layer_inside(section, layer, at, input, batch);
                         backend_.cache_store(cache.layer(layer), at.qkv.data(), rows,
                                              shape_.attention);
                     });
}

template <class T>
void Transformer<T>::forward_cached(const Weights<T>& weights, const CachedStep& step,
                                    KeyValueCache<T>& cache, Activations<T>& activations) {
    pass_over_layers(weights, step.tokens, step.rows.rows, activations,
                     [&](const Section<const T>& section, std::int32_t layer,
                         LayerActivations<T>& at, const T* input) {
                         layer_cached(section, layer, at, input, step.rows, cache.layer(layer));
                     });
}

template <class T>
void Transformer<T>::layer_backward(const Section<const T>& weights,
                                    const Section<Wide<T>>& gradients, std::int32_t layer,
                                    const LayerActivations<T>& at, const T* input,
                                    const DeviceBatch& batch, Activations<T>& scratch) {
    const LayerOffsets& w = layout_.layer(layer);
    const HeadShape& heads = shape_.attention;
    const std::int32_t rows = batch.rows();
    T* stream = scratch.stream_gradient.data();  // d(loss)/d(output), then /d(input)
    T* wide = scratch.wide_gradient.data();
    T* branch = scratch.branch_gradient.data();
    T* norm = scratch.norm_gradient.data();

    // The feed-forward half.
    backend_.linear_backward_weight(gradients.at(w.down), nullptr, stream, at.activated.data(),
                                    rows, shape_.hidden, shape_.intermediate);
    backend_.linear_backward_input(branch, stream, weights.at(w.down), rows, shape_.hidden,
                                   shape_.intermediate, false);
    backend_.swiglu_backward(wide, branch, at.gate_up.data(), rows, shape_.intermediate);
    backend_.linear_backward_weight(gradients.at(w.gate_up), nullptr, wide, at.norm2.data(), rows,
                                    2 * shape_.intermediate, shape_.hidden);
    backend_.linear_backward_input(norm, wide, weights.at(w.gate_up), rows, 2 * shape_.intermediate,
                                   shape_.hidden, false);
    sum_slices(norm, rows);
    backend_.rms_norm_backward(stream, gradients.at(w.middle_norm), norm, at.middle.data(),
                               weights.at(w.middle_norm), at.rstd2.data(), rows, shape_.hidden);

    // The attention half.
    backend_.linear_backward_weight(gradients.at(w.output), nullptr, stream, at.attention.data(),
                                    rows, shape_.hidden, heads.query_width());
    backend_.linear_backward_input(branch, stream, weights.at(w.output), rows, shape_.hidden,
                                   heads.query_width(), false);
    backend_.attention_backward(wide, scratch.dot.data(), branch, at.attention.data(),
                                at.lse.data(), at.qkv.data(), batch.sequences(), heads);
    backend_.rope(wide, batch.positions(), rows, heads.heads + heads.kv_heads, heads.head_dim,
                  heads.qkv_width(), shape_.rope_theta, true);
    Wide<T>* bias_gradient = shape_.attention_bias ? gradients.at(w.qkv_bias) : nullptr;
    backend_.linear_backward_weight(gradients.at(w.qkv), bias_gradient, wide, at.norm1.data(), rows,
                                    heads.qkv_width(), shape_.hidden);
    backend_.linear_backward_input(norm, wide, weights.at(w.qkv), rows, heads.qkv_width(),
                                   shape_.hidden, false);
    sum_slices(norm, rows);
    backend_.rms_norm_backward(stream, gradients.at(w.input_norm), norm, input,
                               weights.at(w.input_norm), at.rstd1.data(), rows, shape_.hidden);
}

template <class T>
void Transformer<T>::backward(const Weights<T>& weights, const Gradients<Wide<T>>& gradients,
                              const DeviceBatch& batch, Activations<T>& activations) {
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
    const std::size_t end = layout_.end_section();
    backend_.rms_norm_backward(activations.stream_gradient.data(),
                               gradients.section(layout_, end).at(layout_.final_norm()),
                               activations.hidden_gradient.data(), activations.last.data(),
                               weights.section(layout_, end, end - 1).at(layout_.final_norm()),
                               activations.rstd.data(), rows, shape_.hidden);
    gradients.close(end);
    for (std::int32_t layer = shape_.layers; layer-- > 0;) {
        const auto index = static_cast<std::size_t>(layer);
        const T* input = activations.inputs[index].data();
        LayerActivations<T>& at = activations.layers[activations.recompute ? 0 : index];
        // Behind layer 0 the pass needs no weights.
        const auto section = layer_weights(weights, layer, std::max<std::size_t>(index, 1));
        if (activations.recompute && layer + 1 < shape_.layers)
            layer_inside(section, layer, at, input, batch);
        layer_backward(section, gradients.section(layout_, index + 1), layer, at, input, batch,
                       activations);
        gradients.close(index + 1);
    }
    backend_.embedding_backward(gradients.section(layout_, 0).at(layout_.embedding()),
                                shape_.vocabulary_part(), activations.stream_gradient.data(),
                                batch.tokens(), rows, shape_.hidden);
    gradients.close(0);
}

template <class T>
void Transformer<T>::join_forward(const Weights<T>& weights) {
    const std::size_t end = layout_.end_section();
    for (std::size_t section = 0; section <= end; ++section)
        weights.section(layout_, section, std::min(section + 1, end));
}

template <class T>
void Transformer<T>::join_backward(const Weights<T>& weights, const Gradients<Wide<T>>& gradients) {
    for (std::size_t section = layout_.end_section(); section > 0; --section) {
        gradients.section(layout_, section);
        weights.section(layout_, section, std::max<std::size_t>(section - 1, 1));
        gradients.close(section);
    }
    gradients.section(layout_, 0);
    gradients.close(0);
}

template struct LayerActivations<Bf16>;
template struct LayerActivations<float>;
template struct LayerActivations<double>;
template class Transformer<Bf16>;
template class Transformer<float>;
template class Transformer<double>;

}  // namespace r1
