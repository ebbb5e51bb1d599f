// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/nccl/streams.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "tests/emulated_gpu/nccl/device_memory.h"

struct CUstream_st {
    std::deque<r1::test::StreamWork> work;
};

struct CUevent_st {
    std::shared_ptr<bool> passed;  // of the last record; null before the first
};

namespace {

std::vector<cudaStream_t> streams;
std::mt19937_64 chance;

}  // namespace

namespace r1::test {

cudaStream_t make_stream() {
    return streams.emplace_back(new CUstream_st);
}

void enqueue(cudaStream_t stream, StreamWork work) {
    stream->work.push_back(std::move(work));
}

bool is_idle(cudaStream_t stream) {
    return stream->work.empty();
}

void drive_streams() {
    const DeviceAccess access;
    std::shuffle(streams.begin(), streams.end(), chance);
    for (const cudaStream_t stream : streams) {
        for (std::uint64_t steps = chance() % 4; steps > 0 && !stream->work.empty(); --steps) {
            if (!stream->work.front()()) break;
            stream->work.pop_front();
        }
    }
}

void drain_streams() {
    while (!std::all_of(streams.begin(), streams.end(), is_idle)) drive_streams();
}

void seed_streams(std::uint64_t seed) {
    chance.seed(seed);
}

}  // namespace r1::test

const char* cudaGetErrorString(cudaError_t code) {
    return code == cudaSuccess ? "no error" : "an emulated error";
}

cudaError_t cudaGetLastError() {
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
    *memory = std::malloc(bytes);
    return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) {
    std::free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
    r1::test::enqueue(stream, [=] {
        std::memcpy(to, from, bytes);
        return true;
    });
    return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
    // Another stream would wait for the default one now and then, and hide what is missing.
    if (flags != cudaStreamNonBlocking) return cudaErrorInvalidValue;
    *stream = r1::test::make_stream();
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    while (!r1::test::is_idle(stream)) r1::test::drive_streams();
    std::erase(streams, stream);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
    r1::test::drive_streams();
    return r1::test::is_idle(stream) ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
    *status = cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    // What was recorded by now; a later record of the event does not count.
    r1::test::enqueue(stream, [passed = event->passed] { return passed == nullptr || *passed; });
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
    if (flags != cudaEventDisableTiming) return cudaErrorInvalidValue;
    *event = new CUevent_st;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    event->passed = std::make_shared<bool>(false);
    r1::test::enqueue(stream, [passed = event->passed] { return *passed = true; });
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    r1::test::drive_streams();
    return event->passed == nullptr || *event->passed ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    while (cudaEventQuery(event) == cudaErrorNotReady) {
    }
    return cudaSuccess;
}
