// SPDX-License-Identifier: Apache-2.0
// How every kernel is launched.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

namespace r1::cuda {

/// Shared memory that a block may have without asking.
inline constexpr std::size_t kUnaskedSharedBytes = 48 * 1024;

/// Throws Error (kLibrary) naming the kernel and its shape.
[[noreturn]] void throw_launch_error(cudaError_t status, const void* kernel,
                                     const cudaLaunchConfig_t& shape);

/// kernel<<<grid, block, shared_bytes, stream>>>(arguments…). A grid without blocks is no work.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    cudaLaunchConfig_t shape{};
    shape.gridDim = grid;
    shape.blockDim = block;
    shape.dynamicSmemBytes = shared_bytes;
    shape.stream = stream;
    cudaError_t status = cudaSuccess;
    if (shared_bytes > kUnaskedSharedBytes)
        status = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(shared_bytes));
    if (status == cudaSuccess)
        status = cudaLaunchKernelEx(&shape, kernel, std::forward<Arguments>(arguments)...);
    if (status != cudaSuccess)
        throw_launch_error(status, reinterpret_cast<const void*>(kernel), shape);
}

}  // namespace r1::cuda
