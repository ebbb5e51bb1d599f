// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <string>

#include "kernels/cuda/check.h"
#include "kernels/cuda/scratch.h"

namespace r1::cuda {

Scratch::~Scratch() {
    for (void* block : blocks_) cudaFree(block);
}

void* Scratch::reserve(std::size_t bytes) {
    if (bytes > bytes_) {
        // Twice the size, so that few blocks are outgrown.
        const std::size_t size = bytes > 2 * bytes_ ? bytes : 2 * bytes_;
        before_growth_();
        void* block = nullptr;
        const std::string call = "cudaMalloc of " + std::to_string(size) + " bytes of scratch";
        check_cuda(cudaMalloc(&block, size), call.c_str());
        blocks_.push_back(block);
        bytes_ = size;
    }
    return blocks_.empty() ? nullptr : blocks_.back();
}

void Scratch::release_outgrown() noexcept {
    while (blocks_.size() > 1) {
        cudaFree(blocks_.front());
        blocks_.erase(blocks_.begin());
    }
}

}  // namespace r1::cuda
