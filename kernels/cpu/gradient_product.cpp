// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/gradient_product.h"

#include <dnnl.h>
#include <omp.h>

#include <string>

#include "common/error.h"

namespace r1::cpu {

namespace {

/// A row-major matrix as the library takes it.
struct Operand {
    const float* values;
    std::int64_t stride;
    bool transposed = false;
};

void multiply(float* c, std::int64_t rows, std::int64_t columns, std::int64_t depth,
              const Operand& a, const Operand& b, bool accumulate, int threads) {
    if (rows == 0 || columns == 0) return;
    omp_set_num_threads(threads);
    const dnnl_status_t status =
        dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', rows, columns, depth, 1.0f,
                   a.values, a.stride, b.values, b.stride, accumulate ? 1.0f : 0.0f, c, columns);
    if (status != dnnl_success)
        throw_library_error("oneDNN", "dnnl_sgemm", "status " + std::to_string(status));
}

}  // namespace

void input_gradient(float* dx, const float* dy, const float* w, std::int32_t m, std::int32_t n,
                    std::int32_t k, bool accumulate, int threads) {
    multiply(dx, m, k, n, {dy, n}, {w, k}, accumulate, threads);
}

void weight_gradient(float* dw, const float* dy, const float* x, std::int32_t m, std::int32_t n,
                     std::int32_t k, int threads) {
    multiply(dw, n, k, m, {dy, n, true}, {x, k}, true, threads);
}

}  // namespace r1::cpu
