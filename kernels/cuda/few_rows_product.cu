// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/few_rows_product.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

constexpr std::int32_t kMostRows = 4;  // beyond, widening the values costs more than reading them
constexpr int kThreads = 128;
constexpr int kColumns = kThreads / kWarp;  // of a block: one a warp

template <class T, class Out, int kRows>
__global__ void __launch_bounds__(kThreads)
    few_rows_kernel(Out* d, const T* __restrict__ a, const T* __restrict__ b,
                    const T* __restrict__ bias, const Out* added, std::int64_t columns,
                    std::int64_t depth) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const std::int64_t column = std::int64_t{blockIdx.x} * kColumns + threadIdx.x / kWarp;
    if (column >= columns) return;
    float sums[kRows] = {};
#pragma unroll 4
    for (std::int64_t j = lane * kLanes; j < depth; j += kWarp * kLanes) {
        const Lanes<kLanes> weights = load<kLanes>(b + column * depth + j);
#pragma unroll
        for (int row = 0; row < kRows; ++row) {
            const Lanes<kLanes> values = load<kLanes>(a + row * depth + j);
#pragma unroll
            for (int l = 0; l < kLanes; ++l) {
                sums[row] = fmaf(weights.v[l], values.v[l], sums[row]);
            }
        }
    }
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
        float sum = warp_reduce(sums[row], Add{});
        if (lane != 0) continue;
        const std::int64_t at = row * columns + column;
        if (bias != nullptr) sum += to_float(bias[column]);
        if (added != nullptr) sum += to_float(added[at]);
        d[at] = rounded<Out>(sum);
    }
}

template <class T, class Out>
auto kernel_for(std::int32_t rows) {
    switch (rows) {
        case 1:
            return few_rows_kernel<T, Out, 1>;
        case 2:
            return few_rows_kernel<T, Out, 2>;
        case 3:
            return few_rows_kernel<T, Out, 3>;
        default:
            return few_rows_kernel<T, Out, kMostRows>;
    }
}

}  // namespace

bool is_few_rows_product(const MatrixShape& shape, const void* a, const void* b) {
    return shape.rows <= kMostRows && !shape.a_transposed && !shape.b_transposed &&
           rows_are_packed(shape.depth, static_cast<const char*>(a), static_cast<const char*>(b));
}

template <class T, class Out>
void few_rows_product(Out* d, const T* a, const T* b, const T* bias, const Out* added,
                      const MatrixShape& shape, cudaStream_t stream) {
    if (shape.rows == 0 || shape.columns == 0) return;
    launch(kernel_for<T, Out>(shape.rows),
           dim3(static_cast<unsigned>(parts_of(shape.columns, kColumns))), dim3(kThreads), 0,
           stream, d, a, b, bias, added, shape.columns, shape.depth);
}

template void few_rows_product(Bf16*, const Bf16*, const Bf16*, const Bf16*, const Bf16*,
                               const MatrixShape&, cudaStream_t);
template void few_rows_product(float*, const Bf16*, const Bf16*, const Bf16*, const float*,
                               const MatrixShape&, cudaStream_t);
template void few_rows_product(float*, const float*, const float*, const float*, const float*,
                               const MatrixShape&, cudaStream_t);

}  // namespace r1::cuda
