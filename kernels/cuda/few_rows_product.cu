// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/few_rows.cuh"
#include "kernels/cuda/few_rows_product.h"

namespace r1::cuda {
namespace {

/// Columns side by side, of which the last may be alone.
template <class T, class Out>
struct Stored {
    Out* d;
    const T* bias;
    const Out* added;
    std::int64_t width, pairs;

    __device__ ColumnPair columns(std::int64_t pair) const {
        return {2 * pair, 2 * pair + 1 < width ? 2 * pair + 1 : 2 * pair};
    }
    __device__ void put(std::int64_t pair, int row, float first, float second) const {
        store_one(2 * pair, row, first);
        if (2 * pair + 1 < width) store_one(2 * pair + 1, row, second);
    }
    __device__ void store_one(std::int64_t column, int row, float sum) const {
        const std::int64_t at = row * width + column;
        if (bias != nullptr) sum += to_float(bias[column]);
        if (added != nullptr) sum += to_float(added[at]);
        d[at] = rounded<Out>(sum);
    }
};

}  // namespace

bool is_few_rows_product(const MatrixShape& shape, const void* a, const void* b) {
    return !shape.a_transposed && !shape.b_transposed &&
           takes_few_rows<PlainRows<float>>(shape.rows, shape.depth, static_cast<const char*>(a),
                                            static_cast<const char*>(b));
}

template <class T, class Out>
void few_rows_product(Out* d, const T* a, const T* b, const T* bias, const Out* added,
                      const MatrixShape& shape, cudaStream_t stream) {
    const Stored<T, Out> sink{d, bias, added, shape.columns,
                              parts_of<std::int64_t>(shape.columns, 2)};
    few_rows(PlainRows<T>{a, shape.depth}, b, sink, shape.rows, shape.depth, stream);
}

template void few_rows_product(Bf16*, const Bf16*, const Bf16*, const Bf16*, const Bf16*,
                               const MatrixShape&, cudaStream_t);
template void few_rows_product(float*, const Bf16*, const Bf16*, const Bf16*, const float*,
                               const MatrixShape&, cudaStream_t);
template void few_rows_product(float*, const float*, const float*, const float*, const float*,
                               const MatrixShape&, cudaStream_t);

}  // namespace r1::cuda
