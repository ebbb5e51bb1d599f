// SPDX-License-Identifier: Apache-2.0
// Decoder-only transformer of the Qwen2/Llama family: pre-norm RMSNorm, rotary embeddings,
// grouped-query attention, SwiGLU. One forward pass serves training and rollout; they differ only
// in where attention finds its keys.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/array.h"
#include "mpi_runtime/model/key_value_cache.h"
#include "mpi_runtime/model/model_shape.h"
#include "mpi_runtime/model/packed_batch.h"
#include "mpi_runtime/model/parameter_layout.h"

namespace r1 {

/// What one layer computes; training keeps one a layer for the backward pass.
template <class T>
struct LayerActivations {
    Array<T> input, norm1, rstd1, qkv, attention, lse, middle, norm2, rstd2, gate_up, activated;
    void reserve(Backend<T>& backend, const ModelShape& shape, std::size_t rows);
};

/// The memory of passes over up to as many rows as were seen so far. Grows, never shrinks.
template <class T>
struct Activations {
    std::vector<LayerActivations<T>> layers;
    Array<T> last;             ///< [rows, hidden], the residual stream after the last layer
    Array<T> rstd;             ///< [rows]
    Array<T> hidden;           ///< [rows, hidden], after the final norm: the output of forward()
    Array<T> hidden_gradient;  ///< [rows, hidden], the input of backward()
    // Scratch of the backward pass.
    Array<T> stream_gradient, norm_gradient, wide_gradient, branch_gradient, dot;
};

/// Rows of a cached pass in device memory, with the tokens they feed.
struct CachedStep {
    const std::int32_t* tokens = nullptr;  ///< [rows.rows]
    CachedRows rows;
};

/// The model's code for one shape. Holds no weights: the caller passes the flat parameter buffer
/// (ParameterLayout) so that policy and reference share one Transformer. Not thread-safe.
template <class T>
class Transformer {
  public:
    Transformer(const ModelShape& shape, Backend<T>& backend)
        : shape_(shape), layout_(shape), backend_(backend) {}

    const ModelShape& shape() const { return shape_; }
    const ParameterLayout& layout() const { return layout_; }
    Backend<T>& backend() const { return backend_; }

    /// Fills `activations.hidden` for every row of the batch.
    void forward(const T* parameters, const DeviceBatch<T>& batch, Activations<T>& activations);
    /// Adds to `gradients` (the flat layout) what `activations.hidden_gradient` gives. Call after
    /// forward() of the same batch; the activations are used up.
    void backward(const T* parameters, T* gradients, const DeviceBatch<T>& batch,
                  Activations<T>& activations);
    /// The same forward pass for rows whose earlier tokens are in `cache`; their own keys and
    /// values are stored there. `activations` needs and keeps a single layer.
    void forward_cached(const T* parameters, const CachedStep& step, KeyValueCache<T>& cache,
                        Activations<T>& activations);

  private:
    template <class Attend>
    void layer_forward(const T* parameters, std::int32_t layer, LayerActivations<T>& at, T* output,
                       const std::int32_t* positions, std::int32_t rows, Attend&& attend);
    void layer_backward(const T* parameters, T* gradients, std::int32_t layer,
                        LayerActivations<T>& at, const DeviceBatch<T>& batch,
                        Activations<T>& scratch);
    void final_norm(const T* parameters, Activations<T>& activations, std::int32_t rows);

    ModelShape shape_;
    ParameterLayout layout_;
    Backend<T>& backend_;
};

extern template class Transformer<float>;
extern template class Transformer<double>;

}  // namespace r1
