// SPDX-License-Identifier: Apache-2.0
// What CUDA C++ has no words for: the instructions of the PTX ISA that kernels use, and dynamic
// shared memory. sm_80 has them all. Those of a warp are reached by all 32 lanes together.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#ifdef R1_EMULATED_GPU
#include <emulated_instructions.h>
#else

namespace r1::cuda {

/// The dynamic shared memory of the block, aligned to 128 bytes.
__device__ __forceinline__ unsigned char* shared_memory() {
    extern __shared__ __align__(128) unsigned char memory[];
    return memory;
}

/// A place in shared memory, as instructions take it.
using SharedAddress = std::uint32_t;
__device__ __forceinline__ SharedAddress shared_address(const void* memory) {
    return static_cast<SharedAddress>(__cvta_generic_to_shared(memory));
}

/// ldmatrix: four 8x8 matrices of 16-bit values. Lanes 8i … 8i + 7 give the addresses of the rows
/// of matrix i, each 16 bytes, aligned to 16. With g = lane / 4 and t = lane % 4 a lane receives in
/// fragment[i] the values (g, 2t) and (g, 2t + 1) of matrix i.
__device__ __forceinline__ void ldmatrix_x4(std::uint32_t (&fragment)[4], SharedAddress row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
                 : "r"(row)
                 : "memory");
}
/// The same of the transposed matrices: a lane receives the values (2t, g) and (2t + 1, g).
__device__ __forceinline__ void ldmatrix_x4_transposed(std::uint32_t (&fragment)[4],
                                                       SharedAddress row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
                 : "r"(row)
                 : "memory");
}

/// sum[16x8] += a[16x16] · b[16x8] of Bf16 with sums in float. A lane holds, two values a register,
/// the first in the lower half:
///   a[0] (g, 2t), (g, 2t + 1)   a[1] rows + 8   a[2] columns + 8   a[3] both + 8
///   b0   (2t, g), (2t + 1, g)   b1   rows + 8
///   sum  (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)
__device__ __forceinline__ void mma_m16n8k16(float (&sum)[4], const std::uint32_t (&a)[4],
                                             std::uint32_t b0, std::uint32_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// movmatrix: an 8x8 matrix of 16-bit values, of which a lane holds (g, 2t) and (g, 2t + 1) in one
/// register, transposed: it receives (2t, g) and (2t + 1, g).
__device__ __forceinline__ std::uint32_t transpose_8x8(std::uint32_t pair) {
    std::uint32_t transposed;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(transposed) : "r"(pair));
    return transposed;
}

/// Two values rounded to the nearest Bf16, the first in the lower half.
__device__ __forceinline__ std::uint32_t pack_bf16(float low, float high) {
    std::uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

/// 2^x to 2 units in the last place; results below 2^-126 become zero.
__device__ __forceinline__ float exp2_approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/// Begins to copy 16 bytes (aligned to 16) to shared memory, past the L1 cache; zeros when not
/// `valid`, and then `source` is not read.
__device__ __forceinline__ void copy_async_16(SharedAddress target, const void* source,
                                              bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(target), "l"(__cvta_generic_to_global(source)), "r"(valid ? 16 : 0)
                 : "memory");
}
/// The same with 4 bytes.
__device__ __forceinline__ void copy_async_4(SharedAddress target, const void* source, bool valid) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
                 :
                 : "r"(target), "l"(__cvta_generic_to_global(source)), "r"(valid ? 4 : 0)
                 : "memory");
}
/// Ends a group of the copies that this thread began.
__device__ __forceinline__ void commit_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Waits until at most kPending of this thread's latest groups are under way. What other threads
/// copied is there after a barrier.
template <int kPending>
__device__ __forceinline__ void wait_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

/// The first thing that every thread of a kernel of launch_ahead() does, but for what needs nothing
/// of other kernels: waits until all that was asked for before has ended and its writes are seen,
/// and then lets the kernel that is asked for next begin. That order is why a kernel that has begun
/// can rely on all but the one before it having ended. Nothing before sm_90, nor in a kernel that
/// was launched otherwise.
__device__ __forceinline__ void wait_for_earlier_kernels() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Brings the 128 bytes around `memory` into L2. What is there now and what is written later are
/// both seen by a later load.
__device__ __forceinline__ void prefetch_to_l2(const void* memory) {
    asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(memory)));
}

}  // namespace r1::cuda

#endif
