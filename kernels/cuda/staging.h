// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>

#include "kernels/device_watches.h"

namespace r1::cuda {

/// Pinned host memory through which data goes to the device and back: only from there does the
/// device fetch while the host goes on.
class Staging {
  public:
    /// For copies on `stream`, which must outlive it, as `watches` must, which look on wherever it
    /// waits.
    Staging(cudaStream_t stream, DeviceWatches& watches);
    ~Staging();
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    /// `host` may be changed as soon as this returns; the copy may not have been made yet. Waits
    /// where all of the memory is in use.
    void to_device(void* device, const void* host, std::size_t bytes);
    /// Waits for what was asked of the stream, and for the copy.
    void to_host(void* host, const void* device, std::size_t bytes);

  private:
    static constexpr std::size_t kSlotBytes = std::size_t{1} << 20;
    static constexpr std::size_t kSlots = 8;
    struct Slot {
        void* memory = nullptr;
        cudaEvent_t done = nullptr;  ///< the last copy from or to it
    };

    /// The slot that was used longest ago, when its copy is done.
    Slot& next_slot();
    void wait_for(const Slot& slot);
    void close() noexcept;

    cudaStream_t stream_;
    DeviceWatches& watches_;
    std::array<Slot, kSlots> slots_{};
    std::size_t used_ = 0;
};

}  // namespace r1::cuda
