// SPDX-License-Identifier: Apache-2.0
// How every kernel is launched.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

namespace r1::cuda {

/// Dynamic shared memory that a block may have without asking: 48 KiB with what a kernel that has
/// any declares besides, which is less than 1 KiB.
inline constexpr std::size_t kUnaskedSharedBytes = 47 * 1024;

/// Throws Error (kLibrary) naming the kernel and its shape.
[[noreturn]] void throw_launch_error(cudaError_t status, const void* kernel,
                                     const cudaLaunchConfig_t& shape);

/// Whether kernels wait for others by themselves on the current device: those that were compiled
/// for sm_90 or newer do. What was compiled for less may run there too.
bool can_launch_ahead();

template <class... Parameters, class... Arguments>
void launch_as(const cudaLaunchConfig_t& shape, void (*kernel)(Parameters...),
               Arguments&&... arguments) {
    const dim3& grid = shape.gridDim;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    cudaError_t status = cudaSuccess;
    if (shape.dynamicSmemBytes > kUnaskedSharedBytes)
        status = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(shape.dynamicSmemBytes));
    if (status == cudaSuccess)
        status = cudaLaunchKernelEx(&shape, kernel, std::forward<Arguments>(arguments)...);
    if (status != cudaSuccess)
        throw_launch_error(status, reinterpret_cast<const void*>(kernel), shape);
}

/// kernel<<<grid, block, shared_bytes, stream>>>(arguments…). A grid without blocks is no work.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
    launch_as({grid, block, shared_bytes, stream, nullptr, 0}, kernel,
              std::forward<Arguments>(arguments)...);
}

/// The same of a kernel that calls wait_for_earlier_kernels() (instructions.h): its blocks take
/// their places while those of the kernel before are still at work (CUDA Programming Guide,
/// "Programmatic Dependent Launch"). Decoding is hundreds of kernels that last microseconds.
template <class... Parameters, class... Arguments>
void launch_ahead(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
                  cudaStream_t stream, Arguments&&... arguments) {
    cudaLaunchAttribute ahead{};
    ahead.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    ahead.val.programmaticStreamSerializationAllowed = 1;
    launch_as({grid, block, shared_bytes, stream, &ahead, can_launch_ahead() ? 1U : 0U}, kernel,
              std::forward<Arguments>(arguments)...);
}

}  // namespace r1::cuda
