// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

namespace r1::cuda {

__device__ __forceinline__ float sigmoid(float x) {
    return 1.0F / (1.0F + expf(-x));
}
/// silu(gate) · up, with silu(g) = g · σ(g).
__device__ __forceinline__ float gated(float gate, float up) {
    return gate * sigmoid(gate) * up;
}

}  // namespace r1::cuda
