// SPDX-License-Identifier: Apache-2.0
// kernels/cuda/instructions.h on the emulated GPU; the comments there say what each does. All 32
// lanes come to the instructions of a warp, or the program ends. Asynchronous copies are made when
// they are waited for: who reads too early finds what was there before.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "common/bfloat16.h"

namespace r1::emulated {

/// The dynamic shared memory of the running block.
unsigned char* dynamic_shared_memory();

void ldmatrix(std::uint32_t (&fragment)[4], std::uintptr_t row, bool transposed);
void mma_m16n8k16(float (&sum)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1);
void wait_for_earlier_kernels();
void copy_async(std::uintptr_t target, const void* source, int bytes, bool valid);
void commit_copies();
void wait_copies(int pending);

}  // namespace r1::emulated

namespace r1::cuda {

inline unsigned char* shared_memory() {
    return emulated::dynamic_shared_memory();
}

using SharedAddress = std::uintptr_t;
inline SharedAddress shared_address(const void* memory) {
    return reinterpret_cast<SharedAddress>(memory);
}

inline void ldmatrix_x4(std::uint32_t (&fragment)[4], SharedAddress row) {
    emulated::ldmatrix(fragment, row, false);
}
inline void ldmatrix_x4_transposed(std::uint32_t (&fragment)[4], SharedAddress row) {
    emulated::ldmatrix(fragment, row, true);
}
inline void mma_m16n8k16(float (&sum)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                         std::uint32_t b1) {
    emulated::mma_m16n8k16(sum, a, b0, b1);
}

inline std::uint32_t transpose_8x8(std::uint32_t pair) {
    const int lane = emulated::lane(), column = lane / 4, row = 2 * (lane % 4);
    const auto value = [&](int of_row) {
        return __shfl_sync(0xFFFFFFFFu, pair, 4 * of_row + column / 2) >> 16 * (column % 2) &
               0xFFFF;
    };
    const std::uint32_t low = value(row);
    return value(row + 1) << 16 | low;
}

inline std::uint32_t pack_bf16(float low, float high) {
    return static_cast<std::uint32_t>(to_bfloat16(high)) << 16 | to_bfloat16(low);
}
inline float exp2_approx(float x) {
    const float y = std::exp2(x);
    return std::fpclassify(y) == FP_SUBNORMAL ? 0 : y;
}

inline void copy_async_16(SharedAddress target, const void* source, bool valid) {
    emulated::copy_async(target, source, 16, valid);
}
inline void copy_async_4(SharedAddress target, const void* source, bool valid) {
    emulated::copy_async(target, source, 4, valid);
}
inline void commit_copies() {
    emulated::commit_copies();
}
template <int kPending>
void wait_copies() {
    emulated::wait_copies(kPending);
}

inline void wait_for_earlier_kernels() {
    emulated::wait_for_earlier_kernels();
}
inline void prefetch_to_l2(const void*) {}

}  // namespace r1::cuda
