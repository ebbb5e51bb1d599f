// SPDX-License-Identifier: Apache-2.0
// Private to comm: streams and events of CUDA, each with one owner.
#pragma once

#include <cuda_runtime.h>

#include <source_location>
#include <string_view>

#include "common/error.h"

namespace r1::cuda {

inline void check(cudaError_t code, std::string_view call,
                  std::source_location at = std::source_location::current()) {
    if (code != cudaSuccess) throw_library_error("CUDA", call, cudaGetErrorString(code), at);
}

/// Whether the stream has done all that it was asked. Throws when some of it failed.
inline bool is_done(cudaStream_t stream) {
    const cudaError_t code = cudaStreamQuery(stream);
    if (code == cudaErrorNotReady) return false;
    check(code, "cudaStreamQuery");
    return true;
}

/// A stream beside that of the device, before which the GPU prefers nothing: communication that
/// starts late ends late.
class SideStream {
  public:
    SideStream() {
        int least = 0;
        int greatest = 0;
        check(cudaDeviceGetStreamPriorityRange(&least, &greatest),
              "cudaDeviceGetStreamPriorityRange");
        check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, greatest),
              "cudaStreamCreateWithPriority");
    }
    SideStream(const SideStream&) = delete;
    SideStream& operator=(const SideStream&) = delete;
    ~SideStream() { cudaStreamDestroy(stream_); }
    cudaStream_t get() const { return stream_; }

  private:
    cudaStream_t stream_ = nullptr;
};

/// A point in the work of a stream.
class Event {
  public:
    Event() {
        check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming),
              "cudaEventCreateWithFlags");
    }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { cudaEventDestroy(event_); }

    void record(cudaStream_t stream) { check(cudaEventRecord(event_, stream), "cudaEventRecord"); }
    /// The stream's later work waits for the point.
    void hold(cudaStream_t stream) const {
        check(cudaStreamWaitEvent(stream, event_, 0), "cudaStreamWaitEvent");
    }
    /// Whether the point is passed; true before the first record. Throws when work before it
    /// failed.
    bool passed() const {
        const cudaError_t code = cudaEventQuery(event_);
        if (code == cudaErrorNotReady) return false;
        check(code, "cudaEventQuery");
        return true;
    }

  private:
    cudaEvent_t event_ = nullptr;
};

}  // namespace r1::cuda
