// SPDX-License-Identifier: Apache-2.0
// Sums over the rows of a matrix in two stages, in an order that depends on the sizes alone.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/scratch.h"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {

inline constexpr int kColumnThreads = 32;  ///< each takes N columns
inline constexpr int kSumRowThreads = 8;
inline constexpr std::int32_t kMostRowParts = 128;

/// parts[blockIdx.y, j] = Σ term(i, j) over the rows of the part. term(i, j) gives N values, those
/// of columns j to j + N - 1.
template <int N, class Term>
__global__ void column_parts_kernel(float* __restrict__ parts, Term term, std::int32_t m,
                                    std::int32_t n, std::int32_t part_rows) {
    __shared__ Lanes<N> sums[kSumRowThreads][kColumnThreads];
    const std::int32_t j = static_cast<std::int32_t>(blockIdx.x * kColumnThreads + threadIdx.x) * N;
    const std::int32_t first = static_cast<std::int32_t>(blockIdx.y) * part_rows;
    const std::int32_t end = first + part_rows < m ? first + part_rows : m;
    Lanes<N> sum{};
    if (j < n) {
        for (std::int32_t i = first + static_cast<std::int32_t>(threadIdx.y); i < end;
             i += kSumRowThreads) {
            const Lanes<N> added = term(i, j);
#pragma unroll
            for (int l = 0; l < N; ++l) sum.v[l] += added.v[l];
        }
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || j >= n) return;
    for (int row = 1; row < kSumRowThreads; ++row) {
#pragma unroll
        for (int l = 0; l < N; ++l) sum.v[l] += sums[row][threadIdx.x].v[l];
    }
    store<N>(parts + std::int64_t{blockIdx.y} * n + j, sum);
}

/// Adds the parts of each column, in their order, to its sum. Instantiated in column_sums.cu.
void add_column_parts(float* sums, const float* parts, std::int32_t count, std::int32_t n,
                      cudaStream_t stream);

/// sums[j] += Σ_i term(i, j) over m rows and n columns. N divides n; m and n are not 0.
template <int N, class Term>
void add_columns(float* sums, const Term& term, std::int32_t m, std::int32_t n, Scratch& scratch,
                 cudaStream_t stream) {
    const std::int32_t least = parts_of(m, kMostRowParts);
    const std::int32_t part_rows = least < 4 * kSumRowThreads ? 4 * kSumRowThreads : least;
    const std::int32_t count = parts_of(m, part_rows);
    auto* parts = static_cast<float*>(scratch.reserve(static_cast<std::size_t>(count) *
                                                      static_cast<std::size_t>(n) * sizeof(float)));
    launch(
        column_parts_kernel<N, Term>,
        dim3(static_cast<unsigned>(parts_of(n, kColumnThreads * N)), static_cast<unsigned>(count)),
        dim3(kColumnThreads, kSumRowThreads), 0, stream, parts, term, m, n, part_rows);
    add_column_parts(sums, parts, count, n, stream);
}

}  // namespace r1::cuda
