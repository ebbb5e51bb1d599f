// SPDX-License-Identifier: Apache-2.0
// One block a row; the gradient of the weights goes over the rows a second time.
#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/instructions.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/rms_row.cuh"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

template <class T, int N>
__global__ void rms_norm_forward_kernel(T* y, float* rstd, const T* x, const T* w,
                                        std::int64_t width, float eps) {
    wait_for_earlier_kernels();
    const std::int64_t i = blockIdx.x;
    const float of_row = normalise_row<N>(y + i * width, x + i * width, w, width, eps);
    if (threadIdx.x == 0) rstd[i] = of_row;
}

// With u = x · rstd:  dx = rstd · (w · dy − u · mean(u · w · dy)).
template <class T, int N>
__global__ void rms_norm_input_kernel(T* __restrict__ dx, const T* __restrict__ dy,
                                      const T* __restrict__ x, const T* __restrict__ w,
                                      const float* __restrict__ rstd, std::int64_t width) {
    const std::int64_t start = std::int64_t{blockIdx.x} * width;
    const float inverse = rstd[blockIdx.x];
    float mean = 0;
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < width; j += blockDim.x * N) {
        const Lanes<N> value = load<N>(x + start + j), gradient = load<N>(dy + start + j);
        const Lanes<N> weight = load<N>(w + j);
#pragma unroll
        for (int l = 0; l < N; ++l) {
            mean = fmaf(value.v[l] * inverse, weight.v[l] * gradient.v[l], mean);
        }
    }
    mean = block_reduce(mean, Add{}) / static_cast<float>(width);
    for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < width; j += blockDim.x * N) {
        const Lanes<N> value = load<N>(x + start + j), gradient = load<N>(dy + start + j);
        const Lanes<N> weight = load<N>(w + j);
        Lanes<N> sum = load<N>(dx + start + j);
#pragma unroll
        for (int l = 0; l < N; ++l) {
            const float unit = value.v[l] * inverse;
            sum.v[l] += inverse * (weight.v[l] * gradient.v[l] - unit * mean);
        }
        store<N>(dx + start + j, sum);
    }
}

template <class T, int N>
struct WeightTerm {
    const T* dy;
    const T* x;
    const float* rstd;
    std::int64_t width;
    __device__ Lanes<N> operator()(std::int32_t i, std::int32_t j) const {
        const Lanes<N> value = load<N>(x + i * width + j);
        Lanes<N> term = load<N>(dy + i * width + j);
#pragma unroll
        for (int l = 0; l < N; ++l) term.v[l] *= value.v[l] * rstd[i];
        return term;
    }
};

template <class T, int N>
void backward(T* dx, float* dw, const T* dy, const T* x, const T* w, const float* rstd,
              std::int32_t m, std::int32_t width, Scratch& scratch, cudaStream_t stream) {
    launch(rms_norm_input_kernel<T, N>, dim3(static_cast<unsigned>(m)), dim3(row_threads(width, N)),
           0, stream, dx, dy, x, w, rstd, width);
    add_columns<N>(dw, WeightTerm<T, N>{dy, x, rstd, width}, m, width, scratch, stream);
}

}  // namespace

template <class T>
void rms_norm_forward(T* y, Wide<T>* rstd, const T* x, const T* w, std::int32_t m,
                      std::int32_t width, double eps, cudaStream_t stream) {
    if (m == 0 || width == 0) return;
    const bool packed = rows_are_packed(width, y, x, w);
    const auto kernel = packed ? rms_norm_forward_kernel<T, kLanes> : rms_norm_forward_kernel<T, 1>;
    launch_ahead(kernel, dim3(static_cast<unsigned>(m)),
                 dim3(row_threads(width, packed ? kLanes : 1)), 0, stream, y, rstd, x, w, width,
                 static_cast<float>(eps));
}

template <class T>
void rms_norm_backward(T* dx, Wide<T>* dw, const T* dy, const T* x, const T* w, const Wide<T>* rstd,
                       std::int32_t m, std::int32_t width, Scratch& scratch, cudaStream_t stream) {
    if (m == 0 || width == 0) return;
    const bool packed = rows_are_packed(width, dx, dy, x, w);
    const auto run = packed ? backward<T, kLanes> : backward<T, 1>;
    run(dx, dw, dy, x, w, rstd, m, width, scratch, stream);
}

template void rms_norm_forward(Bf16*, float*, const Bf16*, const Bf16*, std::int32_t, std::int32_t,
                               double, cudaStream_t);
template void rms_norm_forward(float*, float*, const float*, const float*, std::int32_t,
                               std::int32_t, double, cudaStream_t);
template void rms_norm_backward(Bf16*, float*, const Bf16*, const Bf16*, const Bf16*, const float*,
                                std::int32_t, std::int32_t, Scratch&, cudaStream_t);
template void rms_norm_backward(float*, float*, const float*, const float*, const float*,
                                const float*, std::int32_t, std::int32_t, Scratch&, cudaStream_t);

}  // namespace r1::cuda
