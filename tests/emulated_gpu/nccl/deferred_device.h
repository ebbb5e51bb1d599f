// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/staging.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "tests/emulated_gpu/nccl/streams.h"

namespace r1::test {

/// A device that does nothing before it is waited for, in memory that the host cannot touch. It
/// copies and waits as the CUDA device does.
class DeferredDevice final : public Device {
  public:
    DeferredDevice() : stream_(make_stream()), staging_(stream_, watches_) {}
    DeferredDevice(const DeferredDevice&) = delete;
    DeferredDevice& operator=(const DeferredDevice&) = delete;
    ~DeferredDevice() override { cudaStreamDestroy(stream_); }

    cudaStream_t stream() const { return stream_; }
    /// For a TensorGroup: with additions of this device.
    TensorDevice tensors();
    DeviceWatches& watches() { return watches_; }

    const char* name() const override { return "deferred"; }
    bool shares_host_memory() const override { return false; }
    void* allocate(std::size_t bytes) override;
    void release(void* memory) noexcept override;
    void to_device(void* device, const void* host, std::size_t bytes) override;
    void to_host(void* host, const void* device, std::size_t bytes) override;
    void copy(void* target, const void* source, std::size_t bytes) override;
    void zero(void* memory, std::size_t bytes) override;
    void finish() override;
    void replay(std::uint64_t, const std::function<void()>& work) override { work(); }
    void forget_replays() override {}
    std::int32_t replay_rows(std::int32_t rows) const override { return rows; }

  private:
    cudaStream_t stream_;
    DeviceWatches watches_;
    cuda::Staging staging_;
};

}  // namespace r1::test
