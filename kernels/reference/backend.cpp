// SPDX-License-Identifier: Apache-2.0
#include "kernels/backend.h"

#include <cstring>

#include "kernels/host_memory.h"
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
class ReferenceBackend final : public Backend<T> {
  public:
    const char* name() const override { return "reference"; }

    void* allocate(std::size_t bytes) override { return allocate_host(bytes); }
    void release(void* memory) noexcept override { release_host(memory); }
    void to_device(void* device, const void* host, std::size_t bytes) override {
        if (bytes > 0) std::memcpy(device, host, bytes);
    }
    void to_host(void* host, const void* device, std::size_t bytes) override {
        if (bytes > 0) std::memcpy(host, device, bytes);
    }
    void copy(void* target, const void* source, std::size_t bytes) override {
        if (bytes > 0) std::memcpy(target, source, bytes);
    }
    void zero(void* memory, std::size_t bytes) override {
        if (bytes > 0) std::memset(memory, 0, bytes);
    }

    void linear_forward(T* y, const T* x, const T* w, const T* bias, int32_t m, int32_t n,
                        int32_t k) override {
        reference::linear_forward(y, x, w, bias, m, n, k);
    }
    void linear_backward_input(T* dx, const T* dy, const T* w, int32_t m, int32_t n, int32_t k,
                               bool accumulate) override {
        reference::linear_backward_input(dx, dy, w, m, n, k, accumulate);
    }
    void linear_backward_weight(T* dw, T* dbias, const T* dy, const T* x, int32_t m, int32_t n,
                                int32_t k) override {
        reference::linear_backward_weight(dw, dbias, dy, x, m, n, k);
    }
    void embedding_forward(T* y, const T* table, const int32_t* ids, int32_t m,
                           int32_t width) override {
        reference::gather_rows(y, table, ids, m, width);
    }
    void embedding_backward(T* dtable, const T* dy, const int32_t* ids, int32_t m,
                            int32_t width) override {
        reference::scatter_add_rows(dtable, dy, ids, m, width);
    }
    void rms_norm_forward(T* y, T* rstd, const T* x, const T* w, int32_t m, int32_t width,
                          double eps) override {
        reference::rms_norm_forward(y, rstd, x, w, m, width, eps);
    }
    void rms_norm_backward(T* dx, T* dw, const T* dy, const T* x, const T* w, const T* rstd,
                           int32_t m, int32_t width) override {
        reference::rms_norm_backward(dx, dw, dy, x, w, rstd, m, width);
    }
    void rope(T* x, const int32_t* positions, int32_t m, int32_t heads, int32_t head_dim,
              int32_t row_stride, double theta, bool inverse) override {
        reference::rope(x, positions, m, heads, head_dim, row_stride, theta, inverse);
    }
    void attention_forward(T* out, T* lse, const T* qkv, const PackedSequences& sequences,
                           const HeadShape& shape) override {
        reference::attention_forward(out, lse, qkv, sequences, shape);
    }
    void attention_backward(T* dqkv, T* dot, const T* dout, const T* out, const T* lse,
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
    void add(T* y, const T* x, std::size_t count) override {
        for (std::size_t i = 0; i < count; ++i) y[i] += x[i];
    }
    void gather_rows(T* y, const T* x, const int32_t* rows, int32_t m, int32_t width) override {
        reference::gather_rows(y, x, rows, m, width);
    }
    void scatter_add_rows(T* dx, const T* dy, const int32_t* rows, int32_t m,
                          int32_t width) override {
        reference::scatter_add_rows(dx, dy, rows, m, width);
    }
    void logprob_forward(T* logprob, T* entropy, const T* logits, const int32_t* targets, int32_t m,
                         int32_t vocab, double temperature) override {
        reference::logprob_forward(logprob, entropy, logits, targets, m, vocab, temperature);
    }
    void logprob_backward(T* logits, const T* dlogprob, const int32_t* targets, int32_t m,
                          int32_t vocab, double temperature) override {
        reference::logprob_backward(logits, dlogprob, targets, m, vocab, temperature);
    }
    void sample(int32_t* tokens, T* logprob, const T* logits, int32_t m, int32_t vocab,
                const SamplingRule& rule, const SamplingNumbers& numbers) override {
        reference::sample(tokens, logprob, logits, m, vocab, rule, numbers);
    }
    double sum_squares(const T* x, std::size_t count) override {
        return reference::sum_squares(x, count);
    }
    void scale(T* x, double factor, std::size_t count) override {
        for (std::size_t i = 0; i < count; ++i) x[i] *= static_cast<T>(factor);
    }
    void adamw(T* parameters, const T* gradients, T* first_moment, T* second_moment,
               std::size_t count, const AdamWStep& step) override {
        reference::adamw(parameters, gradients, first_moment, second_moment, count, step);
    }
};

}  // namespace

template <class T>
std::unique_ptr<Backend<T>> make_reference_backend() {
    return std::make_unique<ReferenceBackend<T>>();
}
template std::unique_ptr<Backend<float>> make_reference_backend<float>();
template std::unique_ptr<Backend<double>> make_reference_backend<double>();

}  // namespace r1
