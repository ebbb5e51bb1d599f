// SPDX-License-Identifier: Apache-2.0
// The memory of one device, and the order in which it works.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace r1 {

/// Not thread-safe: one rank drives one device. What is asked of a device happens in the order in
/// which it was asked; on a GPU it happens later, and to_host() and finish() wait for it.
class Device {
  public:
    virtual ~Device() = default;
    /// "cpu avx512", "cuda NVIDIA H200".
    virtual const char* name() const = 0;
    /// Whether the host may read and write the device's memory.
    virtual bool shares_host_memory() const = 0;

    // Memory. Allocation is 64-byte aligned and zeroed; throws Error naming the size when it fails.
    virtual void* allocate(std::size_t bytes) = 0;
    virtual void release(void* memory) noexcept = 0;
    virtual void to_device(void* device, const void* host, std::size_t bytes) = 0;
    virtual void to_host(void* host, const void* device, std::size_t bytes) = 0;
    virtual void copy(void* target, const void* source,
                      std::size_t bytes) = 0;  // within the device
    virtual void zero(void* memory, std::size_t bytes) = 0;

    /// Waits for everything asked so far. Throws Error when some of it failed.
    virtual void finish() = 0;
    /// Does `work`. A device that can record it does so the first time that it sees `key` (it then
    /// calls `work` again, without its operations being done again), and replays the record after
    /// that without calling `work`: under one key the same operations on the same memory, none of
    /// which allocates or copies from or to the host.
    virtual void replay(std::uint64_t key, const std::function<void()>& work) = 0;
    /// Drops all records: call before memory that they use is released.
    virtual void forget_replays() = 0;
    /// The number of rows to which a batch of `rows` is filled up with idle ones so that few shapes
    /// are recorded; `rows` itself where nothing is.
    virtual std::int32_t replay_rows(std::int32_t rows) const = 0;
};

}  // namespace r1
