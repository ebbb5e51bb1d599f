// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/flat.cuh"
#include "kernels/cuda/ops.h"

namespace r1::cuda {
namespace {

struct Accumulate {
    float* y;
    const float* x;
    template <int N>
    __device__ void at(std::int64_t i) const {
        Lanes<N> sum = load<N>(y + i);
        const Lanes<N> added = load<N>(x + i);
#pragma unroll
        for (int l = 0; l < N; ++l) sum.v[l] += added.v[l];
        store<N>(y + i, sum);
    }
};

struct Scale {
    float* x;
    float factor;
    template <int N>
    __device__ void at(std::int64_t i) const {
        Lanes<N> value = load<N>(x + i);
#pragma unroll
        for (int l = 0; l < N; ++l) value.v[l] *= factor;
        store<N>(x + i, value);
    }
};

template <class To, class From>
struct Convert {
    To* y;
    const From* x;
    template <int N>
    __device__ void at(std::int64_t i) const {
        store<N>(y + i, load<N>(x + i));
    }
};

}  // namespace

void accumulate(float* y, const float* x, std::size_t count, cudaStream_t stream) {
    for_each_flat(Accumulate{y, x}, count, rows_are_packed(0, y, x), stream);
}

void scale(float* x, double factor, std::size_t count, cudaStream_t stream) {
    for_each_flat(Scale{x, static_cast<float>(factor)}, count, rows_are_packed(0, x), stream);
}

template <class T>
void narrow(T* y, const float* x, std::size_t count, cudaStream_t stream) {
    for_each_flat(Convert<T, float>{y, x}, count, rows_are_packed(0, y, x), stream);
}

template <class T>
void widen(float* y, const T* x, std::size_t count, cudaStream_t stream) {
    for_each_flat(Convert<float, T>{y, x}, count, rows_are_packed(0, y, x), stream);
}

template void narrow(Bf16*, const float*, std::size_t, cudaStream_t);
template void narrow(float*, const float*, std::size_t, cudaStream_t);
template void widen(float*, const Bf16*, std::size_t, cudaStream_t);
template void widen(float*, const float*, std::size_t, cudaStream_t);

}  // namespace r1::cuda
