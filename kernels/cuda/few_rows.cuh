// SPDX-License-Identifier: Apache-2.0
// The products of decoding: up to kMostFewRows rows times a large matrix, which is read once, as
// fast as memory gives it. A group of warps takes a pair of columns of the result, each warp a part
// of the depth; the parts are added in their order. A result depends on its row and on the sizes of
// the matrix alone, not on the number of rows.
//
// What is multiplied and what becomes of a pair of sums is said by two small structures:
//   Rows: T* prepare<kRows>(), called by all threads, gives [kRows, depth] in any memory;
//         shared_bytes(rows, depth) of it are in shared memory.
//   Sink: `pairs`; columns(pair), the two rows of the matrix; put(pair, row, first, second).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {

inline constexpr std::int32_t kMostFewRows = 4;  // beyond, widening costs more than reading
inline constexpr int kFewRowsThreads = 256;
inline constexpr int kFewRowsWarps = kFewRowsThreads / kWarp;
inline constexpr std::int64_t kFewRowsStep = std::int64_t{kWarp} * kLanes;  ///< of a warp

struct ColumnPair {
    std::int64_t first, second;
};

/// Rows as they lie in memory.
template <class T>
struct PlainRows {
    const T* x;
    std::int64_t depth;

    static constexpr std::size_t shared_bytes(std::int32_t, std::int64_t) { return 0; }
    template <int kRows>
    __device__ const T* prepare() const {
        return x;
    }
};

/// The warps that share a pair of columns: so many that the whole GPU has loads under way, and each
/// still has a few steps.
inline int few_rows_split(std::int64_t pairs, std::int64_t depth) {
    constexpr std::int64_t kWarpsWanted = 4096;
    constexpr std::int64_t kFewestSteps = 3;
    int split = 1;
    while (split < kFewRowsWarps && pairs * split < kWarpsWanted &&
           depth >= kFewRowsStep * kFewestSteps * split * 2)
        split *= 2;
    return split;
}

/// Asks for the lines of [from, to) by all lanes of a warp.
template <class T>
__device__ __forceinline__ void prefetch_run(const T* from, const T* to, int lane) {
    constexpr std::int64_t kLine = 128 / sizeof(T);
    for (const T* at = from + lane * kLine; at < to; at += kWarp * kLine) prefetch_to_l2(at);
}

template <int kRows, class T, class Rows, class Sink>
__global__ void __launch_bounds__(kFewRowsThreads)
    few_rows_kernel(Rows rows, const T* matrix, Sink sink, std::int64_t depth, int split) {
    __shared__ float parts[kFewRowsWarps][2][kRows];
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const int part = warp % split;
    const std::int64_t pair = std::int64_t{blockIdx.x} * (kFewRowsWarps / split) + warp / split;
    const std::int64_t steps = parts_of(depth, kFewRowsStep);
    const std::int64_t begin = steps * part / split * kFewRowsStep;
    const std::int64_t whole = steps * (part + 1) / split * kFewRowsStep;
    const std::int64_t end = pair >= sink.pairs ? begin : whole < depth ? whole : depth;
    const ColumnPair columns = sink.columns(pair < sink.pairs ? pair : 0);
    const T* first = matrix + columns.first * depth;
    const T* second = matrix + columns.second * depth;
    // Weights come from far, and nothing that runs now decides which.
    prefetch_run(first + begin, first + end, lane);
    prefetch_run(second + begin, second + end, lane);
    wait_for_earlier_kernels();

    const T* x = rows.template prepare<kRows>();
    float sums[2][kRows] = {};
#pragma unroll 4
    for (std::int64_t j = begin + lane * kLanes; j < end; j += kFewRowsStep) {
        const Lanes<kLanes> a = load<kLanes>(first + j), b = load<kLanes>(second + j);
#pragma unroll
        for (int row = 0; row < kRows; ++row) {
            const Lanes<kLanes> values = load<kLanes>(x + row * depth + j);
#pragma unroll
            for (int l = 0; l < kLanes; ++l) {
                sums[0][row] = fmaf(a.v[l], values.v[l], sums[0][row]);
                sums[1][row] = fmaf(b.v[l], values.v[l], sums[1][row]);
            }
        }
    }
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
#pragma unroll
        for (int c = 0; c < 2; ++c) {
            const float sum = warp_reduce(sums[c][row], Add{});
            if (lane == 0) parts[warp][c][row] = sum;
        }
    }
    __syncthreads();
    if (part != 0 || lane >= kRows || pair >= sink.pairs) return;
    float result[2] = {0, 0};
    for (int i = 0; i < split; ++i) {
        result[0] += parts[warp + i][0][lane];
        result[1] += parts[warp + i][1][lane];
    }
    sink.put(pair, lane, result[0], result[1]);
}

/// Whether few_rows() takes the product of `rows` rows and a matrix of this depth, and the pointers
/// are aligned for it.
template <class Rows, class... P>
bool takes_few_rows(std::int32_t rows, std::int64_t depth, const P*... pointers) {
    return rows <= kMostFewRows && rows_are_packed(depth, pointers...) &&
           Rows::shared_bytes(rows, depth) <= kUnaskedSharedBytes;
}

template <class T, class Rows, class Sink>
void few_rows(const Rows& rows, const T* matrix, const Sink& sink, std::int32_t count,
              std::int64_t depth, cudaStream_t stream) {
    const auto start = [&](auto kernel) {
        const int split = few_rows_split(sink.pairs, depth);
        const std::int64_t blocks = parts_of<std::int64_t>(sink.pairs, kFewRowsWarps / split);
        launch_ahead(kernel, dim3(static_cast<unsigned>(blocks)), dim3(kFewRowsThreads),
                     Rows::shared_bytes(count, depth), stream, rows, matrix, sink, depth, split);
    };
    switch (count) {
        case 0:
            return;
        case 1:
            return start(few_rows_kernel<1, T, Rows, Sink>);
        case 2:
            return start(few_rows_kernel<2, T, Rows, Sink>);
        case 3:
            return start(few_rows_kernel<3, T, Rows, Sink>);
        default:
            return start(few_rows_kernel<kMostFewRows, T, Rows, Sink>);
    }
}

}  // namespace r1::cuda
