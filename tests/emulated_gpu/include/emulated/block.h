// SPDX-License-Identifier: Apache-2.0
// What a thread of the emulated GPU sees of its block. Every thread of a block has to reach each
// barrier, also those that would have nothing left to do: the GPU lets threads that have left count
// as arrived, but a kernel that needs it is more often wrong than clever.
#pragma once

#include <emulated/vectors.h>

extern __thread uint3 threadIdx;
extern __thread uint3 blockIdx;
extern __thread dim3 blockDim;
extern __thread dim3 gridDim;
inline constexpr int warpSize = 32;

namespace r1::emulated {

/// Waits for all threads of the block. All bring the same `call`. Returns how many brought true.
int meet_block(const char* call, bool predicate);
/// How many threads the running block has.
int block_threads();

}  // namespace r1::emulated

inline void __syncthreads() {
    r1::emulated::meet_block("__syncthreads", false);
}
inline int __syncthreads_count(int predicate) {
    return r1::emulated::meet_block("__syncthreads_count", predicate != 0);
}
inline int __syncthreads_and(int predicate) {
    return r1::emulated::meet_block("__syncthreads_and", predicate != 0) ==
           r1::emulated::block_threads();
}
inline int __syncthreads_or(int predicate) {
    return r1::emulated::meet_block("__syncthreads_or", predicate != 0) != 0;
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
