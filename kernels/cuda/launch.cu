// SPDX-License-Identifier: Apache-2.0
#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "common/error.h"
#include "kernels/cuda/check.h"
#include "kernels/cuda/launch.h"

namespace r1::cuda {

namespace {

__global__ void compiled_as_all_kernels() {}

std::string readable_name(const void* kernel) {
    const char* name = nullptr;
    if (cudaFuncGetName(&name, kernel) != cudaSuccess || name == nullptr) return "kernel";
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> readable(
        abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
    return readable ? readable.get() : name;
}

std::string text_of(const dim3& size) {
    return std::to_string(size.x) + "x" + std::to_string(size.y) + "x" + std::to_string(size.z);
}

}  // namespace

bool can_launch_ahead() {
    cudaFuncAttributes facts{};
    check_cuda(cudaFuncGetAttributes(&facts, compiled_as_all_kernels), "cudaFuncGetAttributes");
    return facts.ptxVersion >= 90;
}

void throw_launch_error(cudaError_t status, const void* kernel, const cudaLaunchConfig_t& shape) {
    const std::string detail = cudaGetErrorString(status);
    const std::string call = "launch of " + readable_name(kernel) + " with " +
                             text_of(shape.gridDim) + " blocks of " + text_of(shape.blockDim) +
                             " threads and " + std::to_string(shape.dynamicSmemBytes) +
                             " bytes of shared memory";
    cudaGetLastError();  // else a later call would report this failure as its own
    throw_library_error("CUDA", call, detail);
}

}  // namespace r1::cuda
