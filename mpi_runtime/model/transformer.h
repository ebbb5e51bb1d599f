// SPDX-License-Identifier: Apache-2.0
// Decoder-only transformer of the Qwen2/Llama family: pre-norm RMSNorm, rotary embeddings,
// grouped-query attention, SwiGLU. One forward pass serves training and rollout; they differ only
// in where attention finds its keys.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/array.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/model/key_value_cache.h"
#include "mpi_runtime/model/model_shape.h"
#include "mpi_runtime/model/packed_batch.h"
#include "mpi_runtime/model/parameter_layout.h"
#include "mpi_runtime/model/weights.h"

namespace r1 {

/// What one layer computes on the way from its input to its output.
template <class T>
struct LayerActivations {
    Array<T> norm1, qkv, attention, middle, norm2, gate_up, activated;
    Array<Wide<T>> rstd1, lse, rstd2;
    void reserve(Backend<T>& backend, const ModelShape& shape, std::size_t rows);
};

/// The memory of passes over up to as many rows as were seen so far. Grows, never shrinks.
template <class T>
struct Activations {
    /// With recompute the backward pass computes a layer's activations again from its input, and
    /// one layer's are kept instead of all (Chen et al. 2016).
    bool recompute = false;
    std::vector<Array<T>> inputs;  ///< [rows, hidden], the residual stream before each layer
    std::vector<LayerActivations<T>> layers;
    Array<T> last;             ///< [rows, hidden], the residual stream after the last layer
    Array<Wide<T>> rstd;       ///< [rows]
    Array<T> hidden;           ///< [rows, hidden], after the final norm: the output of forward()
    Array<T> hidden_gradient;  ///< [rows, hidden], the input of backward()
    // Scratch of the backward pass.
    Array<T> stream_gradient, norm_gradient, wide_gradient, branch_gradient;
    Array<Wide<T>> dot;
};

/// Rows of a cached pass in device memory, with the tokens they feed.
struct CachedStep {
    const std::int32_t* tokens = nullptr;  ///< [rows.rows]
    CachedRows rows;
};

/// The model's code for one shape. Holds no weights: the caller passes them, so that policy and
/// reference share one Transformer. Of a slice of a model, every pass but the joins is collective
/// over the slices: the sums of what they make of their heads and columns have the same bits on
/// all, and so has everything that they have in common. Not thread-safe.
template <class T>
class Transformer {
  public:
    /// Borrows the backend and the group of the slices, which is null when the shape is of a whole
    /// model.
    Transformer(const ModelShape& shape, Backend<T>& backend, TensorGroup* slices = nullptr)
        : shape_(shape), layout_(shape), backend_(backend), slices_(slices) {}

    const ModelShape& shape() const { return shape_; }
    const ParameterLayout& layout() const { return layout_; }
    Backend<T>& backend() const { return backend_; }
    TensorGroup* slices() const { return slices_; }
    /// Sums [rows, hidden] values over the slices.
    void sum_slices(T* values, std::int32_t rows) const;

    /// Fills `activations.hidden` for every row of the batch.
    void forward(const Weights<T>& weights, const DeviceBatch& batch, Activations<T>& activations);
    /// Adds to `gradients` what `activations.hidden_gradient` gives. Call after
    /// forward() of the same batch; the activations are used up.
    void backward(const Weights<T>& weights, const Gradients<Wide<T>>& gradients,
                  const DeviceBatch& batch, Activations<T>& activations);
    /// Open and close the same sections as forward() and backward(): what a rank without a batch
    /// does while others run them, where sections are gathered and summed over the ranks.
    void join_forward(const Weights<T>& weights);
    void join_backward(const Weights<T>& weights, const Gradients<Wide<T>>& gradients);
    /// Makes room for forward_cached() of up to `rows` rows, which then allocates nothing.
    void reserve_cached(Activations<T>& activations, std::int32_t rows);
    /// The same forward pass over whole prompts, whose keys and values are stored in `cache`:
    /// `rows` are the batch's. `activations` needs and keeps a single layer.
    void forward_prompts(const Weights<T>& weights, const DeviceBatch& batch,
                         const CachedRows& rows, KeyValueCache<T>& cache,
                         Activations<T>& activations);
    /// The same for rows whose earlier tokens are in `cache`; their own keys and values are stored
    /// there.
    void forward_cached(const Weights<T>& weights, const CachedStep& step, KeyValueCache<T>& cache,
                        Activations<T>& activations);

  private:
    Section<const T> layer_weights(const Weights<T>& weights, std::int32_t layer,
                                   std::size_t next) const;
    /// From the input to what the last product of the layer takes, keeping all that lies between.
    void layer_inside(const Section<const T>& weights, std::int32_t layer, LayerActivations<T>& at,
                      const T* input, const DeviceBatch& batch);
    /// The same of a cached pass, which keeps nothing but the keys and values.
    void layer_cached(const Section<const T>& weights, std::int32_t layer, LayerActivations<T>& at,
                      const T* input, const CachedRows& rows, const PagedCache<T>& cache);
    /// The pass that keeps one layer's activations: inside(section, layer, at, input) does what
    /// layer_inside() does.
    template <class Inside>
    void pass_over_layers(const Weights<T>& weights, const std::int32_t* tokens, std::int32_t rows,
                          Activations<T>& activations, const Inside& inside);
    /// y = x · wᵀ + residual, where the slices divide the columns of w.
    void add_to_stream(T* y, const T* x, const T* w, const T* residual, std::int32_t rows,
                       std::int32_t columns);
    void layer_output(const Section<const T>& weights, std::int32_t layer,
                      const LayerActivations<T>& at, T* output, std::int32_t rows);
    void layer_backward(const Section<const T>& weights, const Section<Wide<T>>& gradients,
                        std::int32_t layer, const LayerActivations<T>& at, const T* input,
                        const DeviceBatch& batch, Activations<T>& scratch);
    void final_norm(const Weights<T>& weights, Activations<T>& activations, std::int32_t rows);

    ModelShape shape_;
    ParameterLayout layout_;
    Backend<T>& backend_;
    TensorGroup* slices_;
};

extern template class Transformer<Bf16>;
extern template class Transformer<float>;
extern template class Transformer<double>;

}  // namespace r1
