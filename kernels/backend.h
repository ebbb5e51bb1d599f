// SPDX-License-Identifier: Apache-2.0
// The maths of one device, as plain operations on plain arrays. Two implementations on the CPU: the
// reference (plain loops, any T) and the fast one (float); CUDA has a third. All matrices are
// row-major and dense unless a row stride is given; m counts rows (tokens).
//
// Batch invariance. What an operation writes for one row depends on that row's inputs alone, bit
// for bit: not on m, on the row's place, on the other rows, or on the number of threads. Rollout
// and training so get the same log-probability for the same token. Gradients of weights sum over
// rows and are exempt; they are still the same when the same call is made again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/random.h"

namespace r1 {

/// Where the packed sequences of a batch lie: sequence s is rows [offsets[s], offsets[s + 1]).
struct PackedSequences {
    const std::int32_t* offsets = nullptr;  ///< [count + 1], on the device
    std::int32_t count = 0;
    std::int32_t rows = 0;     ///< offsets[count]
    std::int32_t longest = 0;  ///< the longest sequence's rows
};

/// Grouped-query attention: `heads` query heads share `kv_heads` key/value heads in equal parts.
struct HeadShape {
    std::int32_t heads = 0;
    std::int32_t kv_heads = 0;
    std::int32_t head_dim = 0;
    std::int32_t query_width() const { return heads * head_dim; }
    std::int32_t kv_width() const { return kv_heads * head_dim; }
    /// Width of one row of the fused q|k|v matrix.
    std::int32_t qkv_width() const { return query_width() + 2 * kv_width(); }
};

/// A paged key/value cache of one layer. Page p holds page_tokens rows of kv_width() values.
template <class T>
struct PagedCache {
    T* keys = nullptr;    ///< [pages, page_tokens, kv_width]
    T* values = nullptr;  ///< the same
    std::int32_t page_tokens = 0;
};

/// The rows of one cached step. Row i is token `positions[i]` of the sequence whose pages are
/// tables[i * table_stride + 0 …]. Several rows may belong to one sequence (prefill).
struct CachedRows {
    const std::int32_t* tables = nullptr;     ///< [rows, table_stride], page numbers, on the device
    const std::int32_t* positions = nullptr;  ///< [rows], on the device
    std::int32_t table_stride = 0;
    std::int32_t rows = 0;
};

/// How the next token is chosen from the logits of one row.
struct SamplingRule {
    double temperature = 1;  ///< 0: the most likely token
    double top_p = 1;
    std::int32_t top_k = 0;  ///< 0: all
};

/// Row i draws its number at philox(counters[i], key)[0].
struct SamplingNumbers {
    PhiloxKey key{};
    const PhiloxCounter* counters = nullptr;  ///< [m], in host memory
};

struct AdamWStep {
    double learning_rate = 0;
    double beta1 = 0;
    double beta2 = 0;
    double epsilon = 0;
    double weight_decay = 0;    ///< decoupled: p -= lr * wd * p
    double gradient_scale = 1;  ///< the gradient is multiplied by this first (clipping)
    std::int64_t step = 1;      ///< counts from 1: bias correction
};

/// One device's operations for values of type T. Not thread-safe: one rank drives one backend.
/// Unless said otherwise outputs are overwritten, and outputs never overlap inputs.
template <class T>
class Backend {
  public:
    virtual ~Backend() = default;
    virtual const char* name() const = 0;

    // Memory. Allocation is 64-byte aligned and zeroed; throws Error naming the size when it fails.
    virtual void* allocate(std::size_t bytes) = 0;
    virtual void release(void* memory) noexcept = 0;
    virtual void to_device(void* device, const void* host, std::size_t bytes) = 0;
    virtual void to_host(void* host, const void* device, std::size_t bytes) = 0;
    virtual void copy(void* target, const void* source,
                      std::size_t bytes) = 0;  // within the device
    virtual void zero(void* memory, std::size_t bytes) = 0;

    // y[m,n] = x[m,k] · w[n,k]ᵀ + bias[n] (bias may be null).
    virtual void linear_forward(T* y, const T* x, const T* w, const T* bias, std::int32_t m,
                                std::int32_t n, std::int32_t k) = 0;
    // dx[m,k] = dy[m,n] · w[n,k], or += with accumulate.
    virtual void linear_backward_input(T* dx, const T* dy, const T* w, std::int32_t m,
                                       std::int32_t n, std::int32_t k, bool accumulate) = 0;
    // dw[n,k] += dy[m,n]ᵀ · x[m,k]; dbias[n] += column sums of dy (dbias may be null).
    virtual void linear_backward_weight(T* dw, T* dbias, const T* dy, const T* x, std::int32_t m,
                                        std::int32_t n, std::int32_t k) = 0;

    // y[i] = table[ids[i]]; the backward adds dy[i] into dtable[ids[i]].
    virtual void embedding_forward(T* y, const T* table, const std::int32_t* ids, std::int32_t m,
                                   std::int32_t width) = 0;
    virtual void embedding_backward(T* dtable, const T* dy, const std::int32_t* ids, std::int32_t m,
                                    std::int32_t width) = 0;

    // y = x · rstd · w with rstd = 1 / sqrt(mean(x²) + eps), kept in rstd[m] (Zhang & Sennrich
    // 2019).
    virtual void rms_norm_forward(T* y, T* rstd, const T* x, const T* w, std::int32_t m,
                                  std::int32_t width, double eps) = 0;
    // dx += …; dw += ….
    virtual void rms_norm_backward(T* dx, T* dw, const T* dy, const T* x, const T* w, const T* rstd,
                                   std::int32_t m, std::int32_t width) = 0;

    // Rotates the first `heads` heads of each row in place by its position (Su et al. 2021, in the
    // half-split layout of Hugging Face). inverse turns back, which is also the gradient.
    virtual void rope(T* x, const std::int32_t* positions, std::int32_t m, std::int32_t heads,
                      std::int32_t head_dim, std::int32_t row_stride, double theta,
                      bool inverse) = 0;

    // Causal attention within each packed sequence; scores are scaled by 1/sqrt(head_dim).
    // qkv[rows, qkv_width] -> out[rows, query_width]; lse[rows, heads] keeps log-sum-exp.
    virtual void attention_forward(T* out, T* lse, const T* qkv, const PackedSequences& sequences,
                                   const HeadShape& shape) = 0;
    // dqkv is overwritten. `dot` is scratch of [rows, heads].
    virtual void attention_backward(T* dqkv, T* dot, const T* dout, const T* out, const T* lse,
                                    const T* qkv, const PackedSequences& sequences,
                                    const HeadShape& shape) = 0;

    // Stores the k and v parts of qkv's rows in the cache at their pages and positions.
    virtual void cache_store(const PagedCache<T>& cache, const T* qkv, const CachedRows& rows,
                             const HeadShape& shape) = 0;
    // Attention of each row over positions 0 … positions[i] of its sequence. The same bits as
    // attention_forward gives that row.
    virtual void attention_cached(T* out, const T* qkv, const PagedCache<T>& cache,
                                  const CachedRows& rows, const HeadShape& shape) = 0;

    // gate_up[m, 2n] = gate | up -> y[m,n] = silu(gate) · up (Shazeer 2020).
    virtual void swiglu_forward(T* y, const T* gate_up, std::int32_t m, std::int32_t n) = 0;
    virtual void swiglu_backward(T* dgate_up, const T* dy, const T* gate_up, std::int32_t m,
                                 std::int32_t n) = 0;

    // y += x, elementwise.
    virtual void add(T* y, const T* x, std::size_t count) = 0;
    // rows[i] of the source go to row i of the target: gather; scatter_add is its gradient.
    virtual void gather_rows(T* y, const T* x, const std::int32_t* rows, std::int32_t m,
                             std::int32_t width) = 0;
    virtual void scatter_add_rows(T* dx, const T* dy, const std::int32_t* rows, std::int32_t m,
                                  std::int32_t width) = 0;

    // Of softmax(logits / temperature): logprob[i] of targets[i], and the entropy (may be null).
    virtual void logprob_forward(T* logprob, T* entropy, const T* logits,
                                 const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                                 double temperature) = 0;
    // In place: logits become d(loss)/d(logits), where dlogprob[i] = d(loss)/d(logprob[i]).
    virtual void logprob_backward(T* logits, const T* dlogprob, const std::int32_t* targets,
                                  std::int32_t m, std::int32_t vocab, double temperature) = 0;
    // Draws one token a row by inverse transform over the allowed tokens in the order of their ids.
    // logprob[i] is of softmax(logits / temperature) over the whole vocabulary (temperature 0
    // counts as 1 there): the bits that logprob_forward gives. top_k keeps the k most likely (ties:
    // the lower ids), then top_p the shortest prefix of the most likely that holds at least top_p.
    virtual void sample(std::int32_t* tokens, T* logprob, const T* logits, std::int32_t m,
                        std::int32_t vocab, const SamplingRule& rule,
                        const SamplingNumbers& numbers) = 0;

    // Sum of squares in double, in an order that depends on count alone.
    virtual double sum_squares(const T* x, std::size_t count) = 0;
    virtual void scale(T* x, double factor, std::size_t count) = 0;
    // Loshchilov & Hutter 2019, as torch.optim.AdamW computes it.
    virtual void adamw(T* parameters, const T* gradients, T* first_moment, T* second_moment,
                       std::size_t count, const AdamWStep& step) = 0;
};

/// The plain loops: the specification of every operation. T is float or double.
template <class T>
std::unique_ptr<Backend<T>> make_reference_backend();

/// The fast CPU version, for the widest instruction set that this machine has.
std::unique_ptr<Backend<float>> make_cpu_backend(int threads);

}  // namespace r1
