// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <source_location>

#include "common/error.h"

namespace r1::cuda {

/// Throws Error (kLibrary) that names the call and where it was made.
inline void check_cuda(cudaError_t status, const char* call,
                       std::source_location at = std::source_location::current()) {
    if (status == cudaSuccess) return;
    cudaGetLastError();  // else a later call would report this failure as its own
    throw_library_error("CUDA", call, cudaGetErrorString(status), at);
}

}  // namespace r1::cuda
