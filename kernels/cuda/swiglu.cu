// SPDX-License-Identifier: Apache-2.0
// y = silu(gate) · up (Shazeer 2020). One block a row.
#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/silu.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

template <class T, int N>
__global__ void swiglu_forward_kernel(T* y, const T* gate_up, std::int64_t n) {
    wait_for_earlier_kernels();
    const std::int64_t i = blockIdx.x;
    const T* gate_row = gate_up + 2 * i * n;
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < n; j += blockDim.x * N) {
        const Lanes<N> gate = load<N>(gate_row + j), up = load<N>(gate_row + n + j);
        Lanes<N> result;
#pragma unroll
        for (int l = 0; l < N; ++l) result.v[l] = gated(gate.v[l], up.v[l]);
        store<N>(y + i * n + j, result);
    }
}

template <class T, int N>
__global__ void swiglu_backward_kernel(T* __restrict__ dgate_up, const T* __restrict__ dy,
                                       const T* __restrict__ gate_up, std::int64_t n) {
    const std::int64_t i = blockIdx.x;
    const T* gate_row = gate_up + 2 * i * n;
    T* dgate_row = dgate_up + 2 * i * n;
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < n; j += blockDim.x * N) {
        const Lanes<N> gate = load<N>(gate_row + j), up = load<N>(gate_row + n + j);
        const Lanes<N> gradient = load<N>(dy + i * n + j);
        Lanes<N> dgate, dup;
#pragma unroll
        for (int l = 0; l < N; ++l) {
            const float s = sigmoid(gate.v[l]);
            dgate.v[l] = gradient.v[l] * up.v[l] * s * (1.0F + gate.v[l] * (1.0F - s));
            dup.v[l] = gradient.v[l] * gate.v[l] * s;
        }
        store<N>(dgate_row + j, dgate);
        store<N>(dgate_row + n + j, dup);
    }
}

}  // namespace

template <class T>
void swiglu_forward(T* y, const T* gate_up, std::int32_t m, std::int32_t n, cudaStream_t stream) {
    if (m == 0 || n == 0) return;
    const bool packed = rows_are_packed(n, y, gate_up);
    const auto kernel = packed ? swiglu_forward_kernel<T, kLanes> : swiglu_forward_kernel<T, 1>;
    launch_ahead(kernel, dim3(static_cast<unsigned>(m)), dim3(row_threads(n, packed ? kLanes : 1)),
                 0, stream, y, gate_up, n);
}

template <class T>
void swiglu_backward(T* dgate_up, const T* dy, const T* gate_up, std::int32_t m, std::int32_t n,
                     cudaStream_t stream) {
    if (m == 0 || n == 0) return;
    const bool packed = rows_are_packed(n, dgate_up, dy, gate_up);
    const auto kernel = packed ? swiglu_backward_kernel<T, kLanes> : swiglu_backward_kernel<T, 1>;
    launch(kernel, dim3(static_cast<unsigned>(m)), dim3(row_threads(n, packed ? kLanes : 1)), 0,
           stream, dgate_up, dy, gate_up, n);
}

template void swiglu_forward(Bf16*, const Bf16*, std::int32_t, std::int32_t, cudaStream_t);
template void swiglu_forward(float*, const float*, std::int32_t, std::int32_t, cudaStream_t);
template void swiglu_backward(Bf16*, const Bf16*, const Bf16*, std::int32_t, std::int32_t,
                              cudaStream_t);
template void swiglu_backward(float*, const float*, const float*, std::int32_t, std::int32_t,
                              cudaStream_t);

}  // namespace r1::cuda
