// SPDX-License-Identifier: Apache-2.0
// Streams, events, capture and launches of the emulated runtime. Work is done when it is asked for,
// so every event is ready and there is nothing to wait for.
#include "tests/emulated_gpu/stream.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "tests/emulated_gpu/block.h"
#include "tests/emulated_gpu/faults.h"
#include "tests/emulated_gpu/state.h"
#include "tests/emulated_gpu/symbols.h"

using Work = std::vector<std::function<void()>>;

struct CUstream_st {
    bool blocks_legacy = false;  ///< whether the legacy stream waits for it
    cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
    cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
    std::thread::id captured_by;
    Work recorded;
};
struct CUevent_st {
    std::chrono::steady_clock::time_point time;
    const CUstream_st* captured_in = nullptr;
};
struct CUgraph_st {
    Work work;
};
struct CUgraphExec_st {
    Work work;
};

namespace r1::emulated {

namespace {

struct Streams {
    std::mutex mutex;
    std::set<CUstream_st*> live;
    std::map<const void*, std::size_t> shared_limits;  ///< of kernels that may have more
};

Streams& streams() {
    static auto* all = new Streams;
    return *all;
}

// 48 KiB with the variables that a kernel declares, of which 1 KiB is taken for granted.
constexpr std::size_t kSharedBytes = 47 * 1024;

/// Spoils each capture that `hurts` says is hurt; whether there was one.
template <class Hurts>
bool invalidate_captures(Hurts hurts) {
    Streams& all = streams();
    const std::lock_guard lock(all.mutex);
    bool any = false;
    for (CUstream_st* stream : all.live) {
        if (stream->capture == cudaStreamCaptureStatusNone || !hurts(*stream)) continue;
        stream->capture = cudaStreamCaptureStatusInvalidated;
        any = true;
    }
    return any;
}

bool is_live(cudaStream_t stream) {
    Streams& all = streams();
    const std::lock_guard lock(all.mutex);
    return all.live.count(stream) == 1;
}

/// Waiting for a stream that is captured would never end.
cudaError_t check_stream_may_be_waited_for(cudaStream_t stream) {
    if (stream == nullptr) return check_may_synchronize();
    if (!is_live(stream)) return fail(cudaErrorInvalidResourceHandle);
    if (stream->capture == cudaStreamCaptureStatusNone) return cudaSuccess;
    stream->capture = cudaStreamCaptureStatusInvalidated;
    return fail(cudaErrorStreamCaptureUnsupported);
}

std::size_t shared_limit(const void* function) {
    Streams& all = streams();
    const std::lock_guard lock(all.mutex);
    const auto found = all.shared_limits.find(function);
    return found == all.shared_limits.end() ? kSharedBytes : found->second;
}

cudaError_t check_launch(const Launch& launch) {
    const dim3 &grid = launch.grid, &block = launch.block;
    const bool grid_fits =
        grid.x > 0 && grid.x < 1u << 31 && grid.y - 1 < 65535 && grid.z - 1 < 65535;
    const bool block_fits = block.x - 1 < 1024 && block.y - 1 < 1024 && block.z - 1 < 64 &&
                            block.x * block.y * block.z <= 1024;
    if (!grid_fits || !block_fits) return fail(cudaErrorInvalidConfiguration);
    if (launch.shared_bytes > shared_limit(launch.function)) return fail(cudaErrorInvalidValue);
    return cudaSuccess;
}

}  // namespace

cudaError_t check_may_synchronize() {
    const bool hurt = invalidate_captures([](const CUstream_st& stream) {
        return stream.mode == cudaStreamCaptureModeGlobal ||
               (stream.mode == cudaStreamCaptureModeThreadLocal &&
                stream.captured_by == std::this_thread::get_id());
    });
    return hurt ? fail(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
    if (devices().count == 0) return fail(cudaErrorNoDevice);
    if (stream == nullptr) {
        if (invalidate_captures([](const CUstream_st& other) { return other.blocks_legacy; }))
            return fail(cudaErrorStreamCaptureImplicit);
        work();
        return cudaSuccess;
    }
    if (!is_live(stream)) return fail(cudaErrorInvalidResourceHandle);
    if (stream->capture == cudaStreamCaptureStatusInvalidated)
        return fail(cudaErrorStreamCaptureInvalidated);
    if (stream->capture == cudaStreamCaptureStatusActive)
        stream->recorded.push_back(std::move(work));
    else
        work();
    return cudaSuccess;
}

cudaError_t launch(Launch launch, cudaStream_t stream) {
    if (const cudaError_t error = check_launch(launch); error != cudaSuccess) return error;
    name_kernels_that_fault();
    return enqueue(stream, [launch = std::move(launch)] { run(launch); });
}

cudaError_t set_attribute(const void* function, cudaFuncAttribute attribute, int value) {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    int largest = 0;
    const cudaError_t error =
        cudaDeviceGetAttribute(&largest, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0);
    if (error != cudaSuccess) return error;
    if (value < 0 || value > largest) return fail(cudaErrorInvalidValue);
    Streams& all = streams();
    const std::lock_guard lock(all.mutex);
    all.shared_limits[function] = static_cast<std::size_t>(value);
    return cudaSuccess;
}

}  // namespace r1::emulated

using namespace r1::emulated;

// Not even a relaxed capture allows it: the device has a stream that would never be done.
cudaError_t cudaDeviceSynchronize() {
    const bool hurt = invalidate_captures([](const CUstream_st&) { return true; });
    return hurt ? fail(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
    attributes->ptxVersion = 10 * devices().major;
    return cudaSuccess;
}
cudaError_t cudaFuncGetName(const char** name, const void* function) {
    *name = name_of(function).c_str();
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
    return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    if (devices().count == 0) return fail(cudaErrorNoDevice);
    auto made = std::make_unique<CUstream_st>();
    made->blocks_legacy = flags != cudaStreamNonBlocking;
    Streams& all = streams();
    const std::lock_guard lock(all.mutex);
    all.live.insert(made.get());
    *stream = made.release();
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
    return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    Streams& all = streams();
    const std::lock_guard lock(all.mutex);
    if (all.live.erase(stream) == 0) return fail(cudaErrorInvalidResourceHandle);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    return check_stream_may_be_waited_for(stream);
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    return check_stream_may_be_waited_for(stream);
}

// A stream that waits for an event of a captured one joins the capture on a GPU; not here.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    if (event == nullptr) return fail(cudaErrorInvalidResourceHandle);
    if (event->captured_in != nullptr && event->captured_in != stream)
        return fail(cudaErrorStreamCaptureIsolation);
    return enqueue(stream, [] {});
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
    return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
    if (devices().count == 0) return fail(cudaErrorNoDevice);
    *event = new CUevent_st;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    if (event == nullptr) return fail(cudaErrorInvalidResourceHandle);
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    if (event == nullptr) return fail(cudaErrorInvalidResourceHandle);
    event->time = std::chrono::steady_clock::now();
    const cudaError_t error = enqueue(stream, [] {});
    const bool captured =
        error == cudaSuccess && stream != nullptr && stream->capture != cudaStreamCaptureStatusNone;
    event->captured_in = captured ? stream : nullptr;
    return error;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    return cudaEventSynchronize(event);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    if (event == nullptr) return fail(cudaErrorInvalidResourceHandle);
    return event->captured_in == nullptr ? cudaSuccess : fail(cudaErrorStreamCaptureUnsupported);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
    if (from == nullptr || to == nullptr) return fail(cudaErrorInvalidResourceHandle);
    *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    if (stream == nullptr) return fail(cudaErrorStreamCaptureUnsupported);
    if (!is_live(stream)) return fail(cudaErrorInvalidResourceHandle);
    if (stream->capture != cudaStreamCaptureStatusNone) return fail(cudaErrorInvalidValue);
    stream->mode = mode;
    stream->captured_by = std::this_thread::get_id();
    stream->recorded.clear();
    stream->capture = cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    *graph = nullptr;
    if (!is_live(stream)) return fail(cudaErrorInvalidResourceHandle);
    const auto status = std::exchange(stream->capture, cudaStreamCaptureStatusNone);
    if (status == cudaStreamCaptureStatusNone) return fail(cudaErrorStreamCaptureUnmatched);
    Work work = std::exchange(stream->recorded, {});
    if (status == cudaStreamCaptureStatusInvalidated)
        return fail(cudaErrorStreamCaptureInvalidated);
    *graph = new CUgraph_st{std::move(work)};
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
    *status = stream == nullptr ? cudaStreamCaptureStatusNone : stream->capture;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* program, cudaGraph_t graph, unsigned long long) {
    if (graph == nullptr) return fail(cudaErrorInvalidValue);
    *program = new CUgraphExec_st{graph->work};
    return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t program, cudaStream_t) {
    return program == nullptr ? fail(cudaErrorInvalidValue) : cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t program, cudaStream_t stream) {
    if (program == nullptr) return fail(cudaErrorInvalidValue);
    return enqueue(stream, [work = program->work] {
        for (const auto& step : work) step();
    });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    if (graph == nullptr) return fail(cudaErrorInvalidValue);
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t program) {
    if (program == nullptr) return fail(cudaErrorInvalidValue);
    delete program;
    return cudaSuccess;
}
