// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "common/handle.h"
#include "kernels/cuda/scratch.h"
#include "kernels/cuda/staging.h"
#include "kernels/device_watches.h"

namespace r1::cuda {

struct StreamTraits {
    using Raw = cudaStream_t;
    static Raw null() noexcept { return nullptr; }
    static void close(Raw stream) noexcept { cudaStreamDestroy(stream); }
};
struct RecordTraits {
    using Raw = cudaGraphExec_t;
    static Raw null() noexcept { return nullptr; }
    static void close(Raw record) noexcept { cudaGraphExecDestroy(record); }
};

/// What kernels/device.h promises, for one GPU: its memory, one stream, and records as CUDA graphs.
/// Used by the thread that made it.
class CudaDevice {
  public:
    /// Makes GPU `index` of those that this process sees the thread's current one. Throws Error
    /// (kLibrary) when there is none, or when it is older than sm_80.
    explicit CudaDevice(int index);
    ~CudaDevice();

    const std::string& name() const { return name_; }
    cudaStream_t stream() const { return stream_.get(); }
    /// For operations asked of stream().
    Scratch& scratch() { return scratch_; }

    void* allocate(std::size_t bytes);
    void release(void* memory) noexcept;
    void to_device(void* device, const void* host, std::size_t bytes);
    void to_host(void* host, const void* device, std::size_t bytes);
    void copy(void* target, const void* source, std::size_t bytes);
    void zero(void* memory, std::size_t bytes);
    void finish();
    /// They look on while the host waits: in finish() and to_host(), for staging memory, and before
    /// device memory is allocated or freed, which can last until the device has done everything.
    DeviceWatches& watches() { return watches_; }
    /// The first time `work` is called twice: once to be done and once to be recorded. What is set
    /// up on first use could not be set up while the device records.
    void replay(std::uint64_t key, const std::function<void()>& work);
    void forget_replays();

  private:
    using Record = Handle<RecordTraits>;

    Record record(const std::function<void()>& work);
    void refuse_while_recording(const char* call) const;
    void abandon_recording() noexcept;
    /// Where the runtime may wait for the device: lets the watches wait first. While the device
    /// records nothing waits.
    void wait_for_watched();

    std::string name_;
    Handle<StreamTraits> stream_;
    // A communicator cannot be taken down while a record holds its work.
    DeviceWatches watches_{[this] {
        abandon_recording();
        records_.clear();
    }};
    Staging staging_;
    Scratch scratch_;
    std::map<std::uint64_t, Record> records_;
    bool recording_ = false;
};

/// kernels/device.h: 1, 2, 4, then multiples of 8, 16 and 64 that grow with the number.
std::int32_t replay_rows(std::int32_t rows);

}  // namespace r1::cuda
