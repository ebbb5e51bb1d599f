// SPDX-License-Identifier: Apache-2.0
#include "kernels/backend.h"

#include "kernels/host_backend.h"
#include "kernels/reference/attention.h"
#include "kernels/reference/cached_attention.h"
#include "kernels/reference/linear.h"
#include "kernels/reference/norm.h"
#include "kernels/reference/optimizer.h"
#include "kernels/reference/rope.h"
#include "kernels/reference/rows.h"
#include "kernels/reference/softmax.h"
#include "kernels/reference/swiglu.h"

namespace r1 {
namespace {

using std::int32_t;

template <class T>
class ReferenceBackend final : public HostBackend<T> {
  public:
    using W = Wide<T>;
    const char* name() const override { return "reference"; }

    void linear_forward(T* y, const T* x, const T* w, const T* bias, int32_t m, int32_t n,
                        int32_t k) override {
        reference::linear_forward(y, x, w, bias, m, n, k);
    }
    void linear_forward_residual(T* y, const T* x, const T* w, const T* residual, int32_t m,
                                 int32_t n, int32_t k) override {
        reference::linear_forward_residual(y, x, w, residual, m, n, k);
    }
    void linear_forward_wide(W* y, const T* x, const T* w, int32_t m, int32_t n,
                             int32_t k) override {
        reference::linear_forward_wide(y, x, w, m, n, k);
    }
    void linear_backward_input(T* dx, const T* dy, const T* w, int32_t m, int32_t n, int32_t k,
                               bool accumulate) override {
        reference::linear_backward_input(dx, dy, w, m, n, k, accumulate);
    }
    void linear_backward_weight(W* dw, W* dbias, const T* dy, const T* x, int32_t m, int32_t n,
                                int32_t k) override {
        reference::linear_backward_weight(dw, dbias, dy, x, m, n, k);
    }
    void embedding_forward(T* y, const T* table, const TablePart& part, const int32_t* ids,
                           int32_t m, int32_t width) override {
        reference::embedding_forward(y, table, part, ids, m, width);
    }
    void embedding_backward(W* dtable, const TablePart& part, const T* dy, const int32_t* ids,
                            int32_t m, int32_t width) override {
        reference::embedding_backward(dtable, part, dy, ids, m, width);
    }
    void rms_norm_forward(T* y, W* rstd, const T* x, const T* w, int32_t m, int32_t width,
                          double eps) override {
        reference::rms_norm_forward(y, rstd, x, w, m, width, eps);
    }
    void rms_norm_backward(T* dx, W* dw, const T* dy, const T* x, const T* w, const W* rstd,
                           int32_t m, int32_t width) override {
        reference::rms_norm_backward(dx, dw, dy, x, w, rstd, m, width);
    }
    void rope(T* x, const int32_t* positions, int32_t m, int32_t heads, int32_t head_dim,
              int32_t row_stride, double theta, bool inverse) override {
        reference::rope(x, positions, m, heads, head_dim, row_stride, theta, inverse);
    }
    void attention_forward(T* out, W* lse, const T* qkv, const PackedSequences& sequences,
                           const HeadShape& shape) override {
        reference::attention_forward(out, lse, qkv, sequences, shape);
    }
    void attention_backward(T* dqkv, W* dot, const T* dout, const T* out, const W* lse,
                            const T* qkv, const PackedSequences& sequences,
                            const HeadShape& shape) override {
        reference::attention_backward(dqkv, dot, dout, out, lse, qkv, sequences, shape);
    }
    void cache_store(const PagedCache<T>& cache, const T* qkv, const CachedRows& rows,
                     const HeadShape& shape) override {
        reference::cache_store(cache, qkv, rows, shape);
    }
    void attention_cached(T* out, const T* qkv, const PagedCache<T>& cache, const CachedRows& rows,
                          const HeadShape& shape) override {
        reference::attention_cached(out, qkv, cache, rows, shape);
    }
    void swiglu_forward(T* y, const T* gate_up, int32_t m, int32_t n) override {
        reference::swiglu_forward(y, gate_up, m, n);
    }
    void swiglu_backward(T* dgate_up, const T* dy, const T* gate_up, int32_t m,
                         int32_t n) override {
        reference::swiglu_backward(dgate_up, dy, gate_up, m, n);
    }
    void gather_rows(T* y, const T* x, const int32_t* rows, int32_t m, int32_t width) override {
        reference::gather_rows(y, x, rows, m, width);
    }
    void gather_wide_rows(W* y, const W* x, const int32_t* rows, int32_t m,
                          int32_t width) override {
        reference::gather_rows(y, x, rows, m, width);
    }
    void scatter_add_rows(T* dx, const T* dy, const int32_t* rows, int32_t m,
                          int32_t width) override {
        reference::scatter_add_rows(dx, dy, rows, m, width);
    }
    void logprob_forward(W* logprob, W* entropy, const W* logits, const int32_t* targets, int32_t m,
                         int32_t vocab, double temperature) override {
        reference::logprob_forward(logprob, entropy, logits, targets, m, vocab, temperature);
    }
    void logprob_backward(T* dlogits, const W* logits, const W* dlogprob, const int32_t* targets,
                          int32_t m, int32_t vocab, double temperature) override {
        reference::logprob_backward(dlogits, logits, dlogprob, targets, m, vocab, temperature);
    }
    void sample(int32_t* tokens, W* logprob, const W* logits, int32_t m, int32_t vocab,
                const SamplingRule& rule, const SamplingNumbers& numbers) override {
        reference::sample(tokens, logprob, logits, m, vocab, rule, numbers);
    }
    void accumulate(W* y, const W* x, std::size_t count) override {
        for (std::size_t i = 0; i < count; ++i) y[i] += x[i];
    }
    void scale(W* x, double factor, std::size_t count) override {
        for (std::size_t i = 0; i < count; ++i) x[i] *= static_cast<W>(factor);
    }
    void sum_squares(double* sums, const W* x, std::span<const std::size_t> bounds) override {
        for (std::size_t i = 0; i + 1 < bounds.size(); ++i)
            sums[i] = reference::sum_squares(x + bounds[i], bounds[i + 1] - bounds[i]);
    }
    void narrow(T* y, const W* x, std::size_t count) override {
        for (std::size_t i = 0; i < count; ++i) y[i] = static_cast<T>(x[i]);
    }
    void widen(W* y, const T* x, std::size_t count) override {
        for (std::size_t i = 0; i < count; ++i) y[i] = static_cast<W>(x[i]);
    }
    void adamw(T* weights, W* master, const W* gradients, W* first_moment, W* second_moment,
               std::size_t count, const AdamWStep& step) override {
        reference::adamw(weights, master, gradients, first_moment, second_moment, count, step);
    }
};

}  // namespace

template <class T>
std::unique_ptr<Backend<T>> make_reference_backend() {
    return std::make_unique<ReferenceBackend<T>>();
}
template std::unique_ptr<Backend<Bf16>> make_reference_backend<Bf16>();
template std::unique_ptr<Backend<float>> make_reference_backend<float>();
template std::unique_ptr<Backend<double>> make_reference_backend<double>();

}  // namespace r1
