// SPDX-License-Identifier: Apache-2.0
// The operations of kernels/backend.h on the GPU, except matrix products (matrix_product.h): each
// asks for its kernels on `stream` and returns. Shapes and meanings are the backend's; T is Bf16 or
// float, and pointers are to device memory. Nothing here copies from or to the host, so that all of
// it can be recorded. Throws Error (kLibrary) when a kernel cannot be started.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cuda/scratch.h"

namespace r1::cuda {

// rows.cu: looked up and added back by number.
template <class V>
void gather_rows(V* y, const V* x, const std::int32_t* rows, std::int32_t m, std::int32_t width,
                 cudaStream_t stream);
template <class T>
void scatter_add_rows(T* dx, const T* dy, const std::int32_t* rows, std::int32_t m,
                      std::int32_t width, cudaStream_t stream);

template <class T>
void embedding_forward(T* y, const T* table, const TablePart& part, const std::int32_t* ids,
                       std::int32_t m, std::int32_t width, cudaStream_t stream);

// embedding_backward.cu
template <class T>
void embedding_backward(Wide<T>* dtable, const TablePart& part, const T* dy,
                        const std::int32_t* ids, std::int32_t m, std::int32_t width,
                        Scratch& scratch, cudaStream_t stream);

// rms_norm.cu
template <class T>
void rms_norm_forward(T* y, Wide<T>* rstd, const T* x, const T* w, std::int32_t m,
                      std::int32_t width, double eps, cudaStream_t stream);
template <class T>
void rms_norm_backward(T* dx, Wide<T>* dw, const T* dy, const T* x, const T* w, const Wide<T>* rstd,
                       std::int32_t m, std::int32_t width, Scratch& scratch, cudaStream_t stream);

// column_sums.cu: sums[j] += Σ_i x[i, j], the gradient of a bias.
template <class T>
void add_column_sums(Wide<T>* sums, const T* x, std::int32_t m, std::int32_t n, Scratch& scratch,
                     cudaStream_t stream);

// rope.cu
template <class T>
void rope(T* x, const std::int32_t* positions, std::int32_t m, std::int32_t heads,
          std::int32_t head_dim, std::int32_t row_stride, double theta, bool inverse,
          cudaStream_t stream);
// The same forwards, of the queries and keys in qkv, with the keys and the values put in the cache
// instead of back (as cache_store()).
template <class T>
void rope_to_cache(const PagedCache<T>& cache, T* qkv, const CachedRows& rows,
                   const HeadShape& shape, double theta, cudaStream_t stream);

// swiglu.cu
template <class T>
void swiglu_forward(T* y, const T* gate_up, std::int32_t m, std::int32_t n, cudaStream_t stream);
template <class T>
void swiglu_backward(T* dgate_up, const T* dy, const T* gate_up, std::int32_t m, std::int32_t n,
                     cudaStream_t stream);

// attention_forward.cu, attention_backward.cu
template <class T>
void attention_forward(T* out, Wide<T>* lse, const T* qkv, const PackedSequences& sequences,
                       const HeadShape& shape, cudaStream_t stream);
template <class T>
void attention_backward(T* dqkv, Wide<T>* dot, const T* dout, const T* out, const Wide<T>* lse,
                        const T* qkv, const PackedSequences& sequences, const HeadShape& shape,
                        Scratch& scratch, cudaStream_t stream);

// cache_store.cu, cached_attention.cu. A row whose position its table does not hold, such as -1, is
// idle: nothing is stored, and its output is zero. What a row gets depends on the row alone, bit
// for bit. The grid depends on the shapes alone: a record stays good while positions grow. head_dim
// is a multiple of 8, at most 256, else Error (kUsage).
template <class T>
void cache_store(const PagedCache<T>& cache, const T* qkv, const CachedRows& rows,
                 const HeadShape& shape, cudaStream_t stream);
template <class T>
void attention_cached(T* out, const T* qkv, const PagedCache<T>& cache, const CachedRows& rows,
                      const HeadShape& shape, Scratch& scratch, cudaStream_t stream);

// few_rows_inputs.cu: as the backend's of these names, leaving what lies between undone. Returns
// false, and does nothing, where there are more rows than few_rows.cuh is for, or where sizes or
// addresses do not suit it.
template <class T>
bool few_rows_attention_inputs(T* qkv, const PagedCache<T>& cache, const NormedRows<T>& x,
                               const T* w, const T* bias, const CachedRows& rows,
                               const HeadShape& shape, double theta, cudaStream_t stream);
template <class T>
bool few_rows_feed_forward_inputs(T* y, const NormedRows<T>& x, const T* w, std::int32_t m,
                                  std::int32_t n, cudaStream_t stream);

// logprob.cu. logits are Wide<T>, which is float for both types.
void logprob_forward(float* logprob, float* entropy, const float* logits,
                     const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                     double temperature, cudaStream_t stream);
template <class T>
void logprob_backward(T* dlogits, const float* logits, const float* dlogprob,
                      const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                      double temperature, cudaStream_t stream);

// sample.cu
void sample(std::int32_t* tokens, float* logprob, const float* logits, std::int32_t m,
            std::int32_t vocab, const SamplingRule& rule, const SamplingNumbers& numbers,
            cudaStream_t stream);

// advance.cu
void advance(const DecodeState& state, std::int32_t* log_tokens, float* log_logprobs,
             const std::int32_t* drawn, const float* logprob, std::int32_t m, cudaStream_t stream);

// flat.cu: the flat buffers.
void accumulate(float* y, const float* x, std::size_t count, cudaStream_t stream);
void scale(float* x, double factor, std::size_t count, cudaStream_t stream);
template <class T>
void narrow(T* y, const float* x, std::size_t count, cudaStream_t stream);
template <class T>
void widen(float* y, const T* x, std::size_t count, cudaStream_t stream);

// sum_squares.cu: the sums lie in the scratch, on the device. Null when there are no bounds.
const double* sum_squares(const float* x, std::span<const std::size_t> bounds, Scratch& scratch,
                          cudaStream_t stream);

// adamw.cu
template <class T>
void adamw(T* weights, float* master, const float* gradients, float* first_moment,
           float* second_moment, std::size_t count, const AdamWStep& step, cudaStream_t stream);

}  // namespace r1::cuda
