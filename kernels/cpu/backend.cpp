// SPDX-License-Identifier: Apache-2.0
#include "kernels/backend.h"

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/ops.h"
#include "kernels/host_backend.h"

#define R1_TEXT_OF(name) #name
#define R1_TEXT(name) R1_TEXT_OF(name)

namespace r1::cpu {
inline namespace R1_ISA {
namespace {

using std::int32_t;

class CpuBackend final : public HostBackend<float> {
  public:
    explicit CpuBackend(int threads) { workspace_.threads = threads; }
    const char* name() const override { return "cpu " R1_TEXT(R1_ISA); }

    void linear_forward(float* y, const float* x, const float* w, const float* bias, int32_t m,
                        int32_t n, int32_t k) override {
        multiply({.c = y,
                  .m = m,
                  .n = n,
                  .k = k,
                  .a = x,
                  .a_row = k,
                  .a_column = 1,
                  .b = w,
                  .b_stride = k,
                  .b_transposed = true,
                  .bias = bias},
                 workspace_);
    }
    void linear_forward_residual(float* y, const float* x, const float* w, const float* residual,
                                 int32_t m, int32_t n, int32_t k) override {
        linear_forward(y, x, w, nullptr, m, n, k);
        accumulate(y, residual, static_cast<std::size_t>(m) * static_cast<std::size_t>(n));
    }
    void linear_forward_wide(float* y, const float* x, const float* w, int32_t m, int32_t n,
                             int32_t k) override {
        linear_forward(y, x, w, nullptr, m, n, k);
    }
    void linear_backward_input(float* dx, const float* dy, const float* w, int32_t m, int32_t n,
                               int32_t k, bool accumulate) override {
        multiply({.c = dx,
                  .m = m,
                  .n = k,
                  .k = n,
                  .a = dy,
                  .a_row = n,
                  .a_column = 1,
                  .b = w,
                  .b_stride = k,
                  .accumulate = accumulate},
                 workspace_);
    }
    void linear_backward_weight(float* dw, float* dbias, const float* dy, const float* x, int32_t m,
                                int32_t n, int32_t k) override {
        multiply({.c = dw,
                  .m = n,
                  .n = k,
                  .k = m,
                  .a = dy,
                  .a_row = 1,
                  .a_column = n,
                  .b = x,
                  .b_stride = k,
                  .accumulate = true},
                 workspace_);
        if (dbias != nullptr) add_column_sums(dbias, dy, m, n, workspace_);
    }
    void embedding_forward(float* y, const float* table, const TablePart& part, const int32_t* ids,
                           int32_t m, int32_t width) override {
        cpu::embedding_forward(y, table, part, ids, m, width);
    }
    void embedding_backward(float* dtable, const TablePart& part, const float* dy,
                            const int32_t* ids, int32_t m, int32_t width) override {
        cpu::embedding_backward(dtable, part, dy, ids, m, width);
    }
    void rms_norm_forward(float* y, float* rstd, const float* x, const float* w, int32_t m,
                          int32_t width, double eps) override {
        cpu::rms_norm_forward(y, rstd, x, w, m, width, eps, workspace_);
    }
    void rms_norm_backward(float* dx, float* dw, const float* dy, const float* x, const float* w,
                           const float* rstd, int32_t m, int32_t width) override {
        cpu::rms_norm_backward(dx, dw, dy, x, w, rstd, m, width, workspace_);
    }
    void rope(float* x, const int32_t* positions, int32_t m, int32_t heads, int32_t head_dim,
              int32_t row_stride, double theta, bool inverse) override {
        cpu::rope(x, positions, m, heads, head_dim, row_stride, theta, inverse, workspace_);
    }
    void attention_forward(float* out, float* lse, const float* qkv,
                           const PackedSequences& sequences, const HeadShape& shape) override {
        cpu::attention_forward(out, lse, qkv, sequences, shape, workspace_);
    }
    void attention_backward(float* dqkv, float* dot, const float* dout, const float* out,
                            const float* lse, const float* qkv, const PackedSequences& sequences,
                            const HeadShape& shape) override {
        cpu::attention_backward(dqkv, dot, dout, out, lse, qkv, sequences, shape, workspace_);
    }
    void cache_store(const PagedCache<float>& cache, const float* qkv, const CachedRows& rows,
                     const HeadShape& shape) override {
        cpu::cache_store(cache, qkv, rows, shape);
    }
    void attention_cached(float* out, const float* qkv, const PagedCache<float>& cache,
                          const CachedRows& rows, const HeadShape& shape) override {
        cpu::attention_cached(out, qkv, cache, rows, shape, workspace_);
    }
    void swiglu_forward(float* y, const float* gate_up, int32_t m, int32_t n) override {
        cpu::swiglu_forward(y, gate_up, m, n, workspace_);
    }
    void swiglu_backward(float* dgate_up, const float* dy, const float* gate_up, int32_t m,
                         int32_t n) override {
        cpu::swiglu_backward(dgate_up, dy, gate_up, m, n, workspace_);
    }
    void accumulate(float* y, const float* x, std::size_t count) override {
        cpu::add(y, x, count, workspace_);
    }
    void narrow(float* y, const float* x, std::size_t count) override {
        copy(y, x, count * sizeof(float));
    }
    void widen(float* y, const float* x, std::size_t count) override {
        copy(y, x, count * sizeof(float));
    }
    void gather_rows(float* y, const float* x, const int32_t* rows, int32_t m,
                     int32_t width) override {
        cpu::gather_rows(y, x, rows, m, width);
    }
    void gather_wide_rows(float* y, const float* x, const int32_t* rows, int32_t m,
                          int32_t width) override {
        cpu::gather_rows(y, x, rows, m, width);
    }
    void scatter_add_rows(float* dx, const float* dy, const int32_t* rows, int32_t m,
                          int32_t width) override {
        cpu::scatter_add_rows(dx, dy, rows, m, width);
    }
    void logprob_forward(float* logprob, float* entropy, const float* logits,
                         const int32_t* targets, int32_t m, int32_t vocab,
                         double temperature) override {
        cpu::logprob_forward(logprob, entropy, logits, targets, m, vocab, temperature, workspace_);
    }
    void logprob_backward(float* dlogits, const float* logits, const float* dlogprob,
                          const int32_t* targets, int32_t m, int32_t vocab,
                          double temperature) override {
        cpu::logprob_backward(dlogits, logits, dlogprob, targets, m, vocab, temperature,
                              workspace_);
    }
    void sample(int32_t* tokens, float* logprob, const float* logits, int32_t m, int32_t vocab,
                const SamplingRule& rule, const SamplingNumbers& numbers) override {
        cpu::sample(tokens, logprob, logits, m, vocab, rule, numbers, workspace_);
    }
    void sum_squares(double* sums, const float* x, std::span<const std::size_t> bounds) override {
        for (std::size_t i = 0; i + 1 < bounds.size(); ++i)
            sums[i] = cpu::sum_squares(x + bounds[i], bounds[i + 1] - bounds[i], workspace_);
    }
    void scale(float* x, double factor, std::size_t count) override {
        cpu::scale(x, factor, count, workspace_);
    }
    void adamw(float* weights, float* master, const float* gradients, float* first_moment,
               float* second_moment, std::size_t count, const AdamWStep& step) override {
        cpu::adamw(master, gradients, first_moment, second_moment, count, step, workspace_);
        if (weights != master) copy(weights, master, count * sizeof(float));
    }

  private:
    Workspace workspace_;
};

}  // namespace

Backend<float>* new_backend(int threads) {
    return new CpuBackend(threads);
}

}  // namespace R1_ISA
}  // namespace r1::cpu
