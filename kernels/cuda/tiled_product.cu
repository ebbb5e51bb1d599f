// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/launch.h"
#include "kernels/cuda/tiled_product.h"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

constexpr int kTile = 16;
constexpr std::int32_t kMostTileRows = 65535;  // of a grid

/// Where element (row, depth) of an operand lies.
struct Strides {
    std::int64_t row;
    std::int64_t depth;
};

/// One tile of kTile rows of an operand, kTile deep; 0 beyond its end.
template <class T>
__device__ void load_tile(float (*tile)[kTile + 1], const T* from, const Strides& strides,
                          std::int64_t first_row, std::int32_t rows, std::int32_t first_depth,
                          std::int32_t depth) {
    // Neighbouring threads take neighbours in memory.
    const bool along_depth = strides.depth == 1;
    const int r = static_cast<int>(along_depth ? threadIdx.y : threadIdx.x);
    const int d = static_cast<int>(along_depth ? threadIdx.x : threadIdx.y);
    const std::int64_t row = first_row + r;
    const std::int64_t at = std::int64_t{first_depth} + d;
    const bool inside = row < rows && at < depth;
    tile[r][d] = inside ? to_float(from[row * strides.row + at * strides.depth]) : 0.0F;
}

template <class T, class Out>
__global__ void tiled_product_kernel(Out* d, const T* __restrict__ a, const T* __restrict__ b,
                                     const T* __restrict__ bias, const Out* added,
                                     MatrixShape shape, Strides a_strides, Strides b_strides) {
    __shared__ float a_tile[kTile][kTile + 1];
    __shared__ float b_tile[kTile][kTile + 1];
    const std::int64_t first_column = std::int64_t{blockIdx.x} * kTile;
    const std::int64_t column = first_column + threadIdx.x;
    for (std::int64_t first_row = std::int64_t{blockIdx.y} * kTile; first_row < shape.rows;
         first_row += std::int64_t{gridDim.y} * kTile) {
        float sum = 0;
        for (std::int32_t start = 0; start < shape.depth; start += kTile) {
            __syncthreads();
            load_tile(a_tile, a, a_strides, first_row, shape.rows, start, shape.depth);
            load_tile(b_tile, b, b_strides, first_column, shape.columns, start, shape.depth);
            __syncthreads();
            for (int l = 0; l < kTile; ++l) {
                sum = fmaf(a_tile[threadIdx.y][l], b_tile[threadIdx.x][l], sum);
            }
        }
        const std::int64_t row = first_row + threadIdx.y;
        if (row >= shape.rows || column >= shape.columns) continue;
        if (bias != nullptr) sum += to_float(bias[column]);
        const std::int64_t at = row * shape.columns + column;
        if (added != nullptr) sum += to_float(added[at]);
        d[at] = rounded<Out>(sum);
    }
}

}  // namespace

template <class T, class Out>
void tiled_product(Out* d, const T* a, const T* b, const T* bias, const Out* added,
                   const MatrixShape& shape, cudaStream_t stream) {
    if (shape.rows == 0 || shape.columns == 0) return;
    const Strides a_strides = shape.a_transposed ? Strides{1, shape.rows} : Strides{shape.depth, 1};
    const Strides b_strides =
        shape.b_transposed ? Strides{1, shape.columns} : Strides{shape.depth, 1};
    const std::int32_t row_tiles = parts_of(shape.rows, kTile);
    launch(tiled_product_kernel<T, Out>,
           dim3(static_cast<unsigned>(parts_of(shape.columns, kTile)),
                static_cast<unsigned>(row_tiles < kMostTileRows ? row_tiles : kMostTileRows)),
           dim3(kTile, kTile), 0, stream, d, a, b, bias, added, shape, a_strides, b_strides);
}

template void tiled_product(Bf16*, const Bf16*, const Bf16*, const Bf16*, const Bf16*,
                            const MatrixShape&, cudaStream_t);
template void tiled_product(float*, const Bf16*, const Bf16*, const Bf16*, const float*,
                            const MatrixShape&, cudaStream_t);
template void tiled_product(float*, const float*, const float*, const float*, const float*,
                            const MatrixShape&, cudaStream_t);

}  // namespace r1::cuda
