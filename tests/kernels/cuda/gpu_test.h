// SPDX-License-Identifier: Apache-2.0
// What tests of CUDA kernels need on either GPU. emulated_gpu_test.cpp and real_gpu_test.cpp
// implement it.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <type_traits>
#include <vector>

#include "kernels/cuda/check.h"

namespace r1::test {

/// Calls `work` once for each order in which the emulated GPU runs threads; twice on a real one.
void for_each_order(const std::function<void()>& work);

/// A suite that is skipped where no GPU is.
class OnGpu : public testing::Test {
  protected:
    void SetUp() override {
        int count = 0;
        if (cudaGetDeviceCount(&count) == cudaSuccess) return;
        cudaGetLastError();
        GTEST_SKIP() << "no GPU";
    }
};

/// Values of type V on the GPU. What is not given is NaN.
template <class V>
class DeviceValues {
  public:
    static_assert(std::is_trivially_copyable_v<V>);

    explicit DeviceValues(std::size_t count) : count_(count) {
        cuda::check_cuda(cudaMalloc(&data_, bytes()), "cudaMalloc");
        cuda::check_cuda(cudaMemset(data_, 0xFF, bytes()), "cudaMemset");
    }
    explicit DeviceValues(const std::vector<V>& host) : DeviceValues(host.size()) { load(host); }
    DeviceValues(const DeviceValues&) = delete;
    DeviceValues& operator=(const DeviceValues&) = delete;
    ~DeviceValues() { cudaFree(data_); }

    V* data() const { return data_; }
    void load(const std::vector<V>& host) {
        cuda::check_cuda(cudaMemcpy(data_, host.data(), bytes(), cudaMemcpyHostToDevice),
                         "cudaMemcpy");
        // A small copy may still be on its way, and other streams do not wait for it.
        cuda::check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    }
    std::vector<V> to_host() const {
        std::vector<V> host(count_);
        cuda::check_cuda(cudaMemcpy(host.data(), data_, bytes(), cudaMemcpyDeviceToHost),
                         "cudaMemcpy");
        return host;
    }

  private:
    std::size_t bytes() const { return count_ * sizeof(V); }
    V* data_ = nullptr;
    std::size_t count_;
};

}  // namespace r1::test
