// SPDX-License-Identifier: Apache-2.0
// The maths of one device, as plain operations on plain arrays. Two implementations on the CPU: the
// reference (plain loops, any T) and the fast one (float); CUDA has a third (float and Bf16). All
// matrices are row-major and dense unless a row stride is given; m counts rows (tokens).
//
// Values and wide values. Weights and activations have type T. What is summed over rows or
// exponentiated (gradients of weights, logits, log-probabilities, softmax statistics, the
// optimizer's state) has type Wide<T>: float for Bf16, T itself otherwise. Sums are made in Wide<T>
// and rounded to T once.
//
// Batch invariance, on the CPU. What an operation writes for one row depends on that row's inputs
// alone, bit for bit: not on m, on the row's place, on the other rows, or on the number of threads.
// Rollout and training so get the same log-probability for the same token. Gradients of weights sum
// over rows and are exempt; they are still the same when the same call is made again. On a GPU
// matrix products of another m may differ in their rounding; every call gives the same bits when it
// is made again with the same sizes (docs/kernels.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/device.h"
#include "kernels/operands.h"

namespace r1 {

/// What needs to know wide values alone: the flat buffers of gradients and of the optimizer.
template <class W>
class WideBackend : public Device {
  public:
    virtual void accumulate(W* y, const W* x, std::size_t count) = 0;  // y += x
    virtual void scale(W* x, double factor, std::size_t count) = 0;
    // sums[i], in host memory, becomes the sum of squares of x[bounds[i]] … x[bounds[i + 1] - 1],
    // in double and in an order that depends on the number of values alone.
    virtual void sum_squares(double* sums, const W* x, std::span<const std::size_t> bounds) = 0;
};

/// One device's operations for values of type T. Unless said otherwise outputs are overwritten, and
/// outputs never overlap inputs.
template <class T>
class Backend : public WideBackend<Wide<T>> {
  public:
    using W = Wide<T>;

    // y[m,n] = x[m,k] · w[n,k]ᵀ + bias[n] (bias may be null).
    virtual void linear_forward(T* y, const T* x, const T* w, const T* bias, std::int32_t m,
                                std::int32_t n, std::int32_t k) = 0;
    // y[m,n] = x[m,k] · w[n,k]ᵀ + residual[m,n].
    virtual void linear_forward_residual(T* y, const T* x, const T* w, const T* residual,
                                         std::int32_t m, std::int32_t n, std::int32_t k) = 0;
    // y[m,n] = x[m,k] · w[n,k]ᵀ, not rounded to T: the logits.
    virtual void linear_forward_wide(W* y, const T* x, const T* w, std::int32_t m, std::int32_t n,
                                     std::int32_t k) = 0;
    // dx[m,k] = dy[m,n] · w[n,k], or += with accumulate.
    virtual void linear_backward_input(T* dx, const T* dy, const T* w, std::int32_t m,
                                       std::int32_t n, std::int32_t k, bool accumulate) = 0;
    // dw[n,k] += dy[m,n]ᵀ · x[m,k]; dbias[n] += column sums of dy (dbias may be null).
    virtual void linear_backward_weight(W* dw, W* dbias, const T* dy, const T* x, std::int32_t m,
                                        std::int32_t n, std::int32_t k) = 0;

    // y[i] = table[ids[i] - part.first]; the backward adds dy[i] into dtable there, in the order of
    // the rows. The table holds a part of all ids: the row of another id is 0, or added nowhere.
    virtual void embedding_forward(T* y, const T* table, const TablePart& part,
                                   const std::int32_t* ids, std::int32_t m, std::int32_t width) = 0;
    virtual void embedding_backward(W* dtable, const TablePart& part, const T* dy,
                                    const std::int32_t* ids, std::int32_t m,
                                    std::int32_t width) = 0;

    // y = x · rstd · w with rstd = 1 / sqrt(mean(x²) + eps), kept in rstd[m] (Zhang & Sennrich
    // 2019).
    virtual void rms_norm_forward(T* y, W* rstd, const T* x, const T* w, std::int32_t m,
                                  std::int32_t width, double eps) = 0;
    // dx += …; dw += ….
    virtual void rms_norm_backward(T* dx, W* dw, const T* dy, const T* x, const T* w, const W* rstd,
                                   std::int32_t m, std::int32_t width) = 0;

    // Rotates the first `heads` heads of each row in place by its position (Su et al. 2021, in the
    // half-split layout of Hugging Face). inverse turns back, which is also the gradient.
    virtual void rope(T* x, const std::int32_t* positions, std::int32_t m, std::int32_t heads,
                      std::int32_t head_dim, std::int32_t row_stride, double theta,
                      bool inverse) = 0;

    // Causal attention within each packed sequence; scores are scaled by 1/sqrt(head_dim).
    // qkv[rows, qkv_width] -> out[rows, query_width]; lse[rows, heads] keeps log-sum-exp.
    virtual void attention_forward(T* out, W* lse, const T* qkv, const PackedSequences& sequences,
                                   const HeadShape& shape) = 0;
    // dqkv is overwritten. `dot` is scratch of [rows, heads].
    virtual void attention_backward(T* dqkv, W* dot, const T* dout, const T* out, const W* lse,
                                    const T* qkv, const PackedSequences& sequences,
                                    const HeadShape& shape) = 0;

    // Stores the k and v parts of qkv's rows in the cache at their pages and positions.
    virtual void cache_store(const PagedCache<T>& cache, const T* qkv, const CachedRows& rows,
                             const HeadShape& shape) = 0;
    // Attention of each row over positions 0 … positions[i] of its sequence. On the CPU the same
    // bits as attention_forward gives that row.
    virtual void attention_cached(T* out, const T* qkv, const PagedCache<T>& cache,
                                  const CachedRows& rows, const HeadShape& shape) = 0;

    // The two steps of decoding in which a device need not write down what lies between. Each gives
    // what the operations that it names give one after the other, to their roundings; what they
    // would leave in its room, or in the key and value columns of qkv, is not defined.
    //
    // rms_norm_forward, linear_forward, rope, cache_store: queries in qkv[m, qkv_width], keys and
    // values in the cache. w[qkv_width, width]; bias may be null.
    virtual void attention_inputs(T* qkv, const PagedCache<T>& cache, const NormedRows<T>& x,
                                  const T* w, const T* bias, const CachedRows& rows,
                                  const HeadShape& shape, double theta);
    // rms_norm_forward, linear_forward, swiglu_forward: y[m,n] of w[2n, width]. gate_up is room for
    // [m, 2n].
    virtual void feed_forward_inputs(T* y, T* gate_up, const NormedRows<T>& x, const T* w,
                                     std::int32_t m, std::int32_t n);

    // gate_up[m, 2n] = gate | up -> y[m,n] = silu(gate) · up (Shazeer 2020).
    virtual void swiglu_forward(T* y, const T* gate_up, std::int32_t m, std::int32_t n) = 0;
    virtual void swiglu_backward(T* dgate_up, const T* dy, const T* gate_up, std::int32_t m,
                                 std::int32_t n) = 0;

    // rows[i] of the source go to row i of the target: gather; scatter_add is its gradient, of rows
    // that differ from one another.
    virtual void gather_rows(T* y, const T* x, const std::int32_t* rows, std::int32_t m,
                             std::int32_t width) = 0;
    virtual void gather_wide_rows(W* y, const W* x, const std::int32_t* rows, std::int32_t m,
                                  std::int32_t width) = 0;
    virtual void scatter_add_rows(T* dx, const T* dy, const std::int32_t* rows, std::int32_t m,
                                  std::int32_t width) = 0;
    // y[i, y_first + j] = x[i, x_first + j] for i < m and j < width; the rows of y have y_stride
    // values, those of x x_stride.
    virtual void copy_columns(W* y, std::int32_t y_stride, std::int32_t y_first, const W* x,
                              std::int32_t x_stride, std::int32_t x_first, std::int32_t m,
                              std::int32_t width) = 0;

    // Of softmax(logits / temperature): logprob[i] of targets[i], and the entropy (may be null).
    virtual void logprob_forward(W* logprob, W* entropy, const W* logits,
                                 const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                                 double temperature) = 0;
    // d(loss)/d(logits), where dlogprob[i] = d(loss)/d(logprob[i]). A target of -1 is none of the
    // row's logits. dlogits may be the logits' memory when T is W.
    virtual void logprob_backward(T* dlogits, const W* logits, const W* dlogprob,
                                  const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                                  double temperature) = 0;
    // Draws one token a row by inverse transform over the allowed tokens in the order of their ids.
    // logprob[i] is of softmax(logits / temperature) over the whole vocabulary (temperature 0
    // counts as 1 there): the bits that logprob_forward gives. top_k keeps the k most likely (ties:
    // the lower ids), then top_p the shortest prefix of the most likely that holds at least top_p.
    // Where the logits are not finite the token is -1 (see throw_logits_not_finite).
    virtual void sample(std::int32_t* tokens, W* logprob, const W* logits, std::int32_t m,
                        std::int32_t vocab, const SamplingRule& rule,
                        const SamplingNumbers& numbers) = 0;
    // Ends a step of decoding. Row i of the step's tokens and log-probabilities goes to
    // log_tokens[turn · m + i] and log_logprobs[turn · m + i]; then the row's token is the drawn
    // one, its position and the first word of its counter are one higher, and so is the turn.
    virtual void advance(const DecodeState& state, std::int32_t* log_tokens, W* log_logprobs,
                         const std::int32_t* drawn, const W* logprob, std::int32_t m) = 0;

    // Each to the nearest T, and back.
    virtual void narrow(T* y, const W* x, std::size_t count) = 0;
    virtual void widen(W* y, const T* x, std::size_t count) = 0;
    // Loshchilov & Hutter 2019, as torch.optim.AdamW computes it, on the master parameters; the
    // weights become their nearest T. Where T is W, both may be the same memory.
    virtual void adamw(T* weights, W* master, const W* gradients, W* first_moment, W* second_moment,
                       std::size_t count, const AdamWStep& step) = 0;
};

extern template class Backend<Bf16>;
extern template class Backend<float>;
extern template class Backend<double>;

/// The plain loops: the specification of every operation. T is Bf16, float or double.
template <class T>
std::unique_ptr<Backend<T>> make_reference_backend();

/// The fast CPU version, for the widest instruction set that this machine has.
std::unique_ptr<Backend<float>> make_cpu_backend(int threads);

/// The GPU `index` of those that this process sees. T is Bf16 or float. Throws Error (kLibrary)
/// when there is none, or when it is older than sm_80; (kUsage) in a build without CUDA.
template <class T>
std::unique_ptr<Backend<T>> make_cuda_backend(int index);

}  // namespace r1
