// SPDX-License-Identifier: Apache-2.0
// The operations of the fast CPU backend other than matrix products. See kernels/backend.h for what
// each computes.
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/workspace.h"

namespace r1::cpu {
inline namespace R1_ISA {

void add_column_sums(float* sums, const float* x, std::int32_t m, std::int32_t n,
                     Workspace& workspace);

void rms_norm_forward(float* y, float* rstd, const float* x, const float* w, std::int32_t m,
                      std::int32_t width, double eps, Workspace& workspace);
void rms_norm_backward(float* dx, float* dw, const float* dy, const float* x, const float* w,
                       const float* rstd, std::int32_t m, std::int32_t width, Workspace& workspace);

void rope(float* x, const std::int32_t* positions, std::int32_t m, std::int32_t heads,
          std::int32_t head_dim, std::int32_t row_stride, double theta, bool inverse,
          Workspace& workspace);

void attention_forward(float* out, float* lse, const float* qkv, const PackedSequences& sequences,
                       const HeadShape& shape, Workspace& workspace);
void attention_backward(float* dqkv, float* dot, const float* dout, const float* out,
                        const float* lse, const float* qkv, const PackedSequences& sequences,
                        const HeadShape& shape, Workspace& workspace);
void cache_store(const PagedCache<float>& cache, const float* qkv, const CachedRows& rows,
                 const HeadShape& shape);
void attention_cached(float* out, const float* qkv, const PagedCache<float>& cache,
                      const CachedRows& rows, const HeadShape& shape, Workspace& workspace);

void swiglu_forward(float* y, const float* gate_up, std::int32_t m, std::int32_t n,
                    Workspace& workspace);
void swiglu_backward(float* dgate_up, const float* dy, const float* gate_up, std::int32_t m,
                     std::int32_t n, Workspace& workspace);

void add(float* y, const float* x, std::size_t count, Workspace& workspace);
void scale(float* x, double factor, std::size_t count, Workspace& workspace);
void gather_rows(float* y, const float* x, const std::int32_t* rows, std::int32_t m,
                 std::int32_t width);
void embedding_forward(float* y, const float* table, const TablePart& part, const std::int32_t* ids,
                       std::int32_t m, std::int32_t width);
void embedding_backward(float* dtable, const TablePart& part, const float* dy,
                        const std::int32_t* ids, std::int32_t m, std::int32_t width);
void scatter_add_rows(float* dx, const float* dy, const std::int32_t* rows, std::int32_t m,
                      std::int32_t width);

void logprob_forward(float* logprob, float* entropy, const float* logits,
                     const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                     double temperature, Workspace& workspace);
void logprob_backward(float* dlogits, const float* logits, const float* dlogprob,
                      const std::int32_t* targets, std::int32_t m, std::int32_t vocab,
                      double temperature, Workspace& workspace);
void sample(std::int32_t* tokens, float* logprob, const float* logits, std::int32_t m,
            std::int32_t vocab, const SamplingRule& rule, const SamplingNumbers& numbers,
            Workspace& workspace);

double sum_squares(const float* x, std::size_t count, Workspace& workspace);
void adamw(float* parameters, const float* gradients, float* first_moment, float* second_moment,
           std::size_t count, const AdamWStep& step, Workspace& workspace);

/// Calls f(i) for i = 0 … count - 1 from several threads when each is worth `cost`
/// elementary operations. What f does for i must not depend on the others.
template <class F>
inline void for_each_index(std::int64_t count, std::int64_t cost, const Workspace& workspace, F f) {
    constexpr std::int64_t kWorthThreads = 1 << 15;
    const int threads = count > 1 && count * cost >= kWorthThreads ? workspace.threads : 1;
    if (threads == 1) {
        for (std::int64_t i = 0; i < count; ++i) f(i);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (std::int64_t i = 0; i < count; ++i) f(i);
}

}  // namespace R1_ISA
}  // namespace r1::cpu
