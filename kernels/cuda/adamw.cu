// SPDX-License-Identifier: Apache-2.0
// AdamW (Loshchilov & Hutter 2019, algorithm 2) in one pass over the parameters: what a step costs
// is the memory that it reads and writes.
#include "kernels/adamw_factors.h"
#include "kernels/cuda/flat.cuh"
#include "kernels/cuda/ops.h"

namespace r1::cuda {
namespace {

template <class T>
struct Step {
    T* weights;
    float* master;
    const float* gradients;
    float* first_moment;
    float* second_moment;
    AdamWFactors f;

    template <int N>
    __device__ void at(std::int64_t i) const {
        const Lanes<N> gradient = load<N>(gradients + i);
        Lanes<N> m = load<N>(first_moment + i), v = load<N>(second_moment + i);
        Lanes<N> p = load<N>(master + i);
#pragma unroll
        for (int l = 0; l < N; ++l) {
            const float g = gradient.v[l] * f.gradient;
            m.v[l] = f.beta1 * m.v[l] + f.rest1 * g;
            v.v[l] = f.beta2 * v.v[l] + f.rest2 * g * g;
            const float change = f.step_size * m.v[l] / (sqrtf(v.v[l]) * f.root + f.epsilon);
            p.v[l] = p.v[l] - f.decay * p.v[l] - change;
        }
        store<N>(first_moment + i, m);
        store<N>(second_moment + i, v);
        store<N>(master + i, p);
        store<N>(weights + i, p);
    }
};

}  // namespace

template <class T>
void adamw(T* weights, float* master, const float* gradients, float* first_moment,
           float* second_moment, std::size_t count, const AdamWStep& step, cudaStream_t stream) {
    const Step<T> work{weights, master, gradients, first_moment, second_moment, AdamWFactors(step)};
    for_each_flat(work, count,
                  rows_are_packed(0, weights, master, gradients, first_moment, second_moment),
                  stream);
}

template void adamw(Bf16*, float*, const float*, float*, float*, std::size_t, const AdamWStep&,
                    cudaStream_t);
template void adamw(float*, float*, const float*, float*, float*, std::size_t, const AdamWStep&,
                    cudaStream_t);

}  // namespace r1::cuda
