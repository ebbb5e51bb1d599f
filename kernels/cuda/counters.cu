// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "kernels/cuda/check.h"
#include "kernels/cuda/counters.h"

namespace r1::cuda {

Counters::~Counters() {
    cudaFree(data_);
}

std::int32_t* Counters::data() {
    if (data_ != nullptr) return data_;
    void* memory = nullptr;
    check_cuda(cudaMalloc(&memory, kCount * sizeof(std::int32_t)), "cudaMalloc");
    data_ = static_cast<std::int32_t*>(memory);
    check_cuda(cudaMemset(data_, 0, kCount * sizeof(std::int32_t)), "cudaMemset");
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    return data_;
}

}  // namespace r1::cuda
