// SPDX-License-Identifier: Apache-2.0
// Errors, devices and copies of the emulated runtime.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include "tests/emulated_gpu/block.h"
#include "tests/emulated_gpu/memory.h"
#include "tests/emulated_gpu/state.h"
#include "tests/emulated_gpu/stream.h"

namespace r1::emulated {

namespace {

Devices chosen_devices;
thread_local cudaError_t last_error = cudaSuccess;
thread_local int current_device = 0;

constexpr int kSharedBytes = 48 * 1024;
constexpr int kProcessors = 132;

/// The most shared memory that a block may ask for: 163 KiB on sm_80, 227 KiB on sm_90.
int largest_shared_bytes() {
    return (chosen_devices.major >= 9 ? 227 : 163) * 1024;
}

struct ErrorText {
    cudaError_t error;
    const char* name;
    const char* text;
};
constexpr ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "invalid pitch argument"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "capture was not initiated in this stream"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
    {cudaErrorStreamCaptureImplicit, "cudaErrorStreamCaptureImplicit",
     "operation would make the legacy stream depend on a capturing blocking stream"},
};

const ErrorText* find(cudaError_t error) {
    for (const ErrorText& one : kErrors) {
        if (one.error == error) return &one;
    }
    return nullptr;
}

/// Whether memory is where the kind of a copy says.
bool fits(const void* memory, std::size_t bytes, bool on_device) {
    return (place_of(memory, bytes) == Place::kDevice) == on_device;
}

cudaError_t check_copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0 || kind == cudaMemcpyDefault) return cudaSuccess;
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (fits(to, bytes, to_device) && fits(from, bytes, from_device)) return cudaSuccess;
    return fail(cudaErrorInvalidValue);
}

cudaError_t check_fill(void* memory, std::size_t bytes) {
    if (bytes == 0 || fits(memory, bytes, true)) return cudaSuccess;
    return fail(cudaErrorInvalidValue);
}

}  // namespace

cudaError_t fail(cudaError_t error) {
    last_error = error;
    return error;
}

const Devices& devices() {
    return chosen_devices;
}
void set_devices(const Devices& devices) {
    chosen_devices = devices;
}

}  // namespace r1::emulated

using namespace r1::emulated;

cudaError_t cudaGetLastError() {
    return std::exchange(last_error, cudaSuccess);
}
cudaError_t cudaPeekAtLastError() {
    return last_error;
}
const char* cudaGetErrorName(cudaError_t error) {
    const ErrorText* found = find(error);
    return found == nullptr ? "unrecognized error code" : found->name;
}
const char* cudaGetErrorString(cudaError_t error) {
    const ErrorText* found = find(error);
    return found == nullptr ? "unrecognized error code" : found->text;
}

cudaError_t cudaGetDeviceCount(int* count) {
    *count = devices().count;
    return devices().count > 0 ? cudaSuccess : fail(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device) {
    if (device < 0 || device >= devices().count) return fail(cudaErrorInvalidDevice);
    current_device = device;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
    *device = current_device;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* facts, int device) {
    if (device < 0 || device >= devices().count) return fail(cudaErrorInvalidDevice);
    *facts = {};
    std::snprintf(facts->name, sizeof facts->name, "emulated");
    facts->uuid.bytes[15] = static_cast<char>(device);
    facts->totalGlobalMem = devices().memory_bytes;
    facts->sharedMemPerBlock = kSharedBytes;
    facts->sharedMemPerBlockOptin = static_cast<std::size_t>(largest_shared_bytes());
    facts->sharedMemPerMultiprocessor = facts->sharedMemPerBlockOptin + 1024;
    facts->regsPerBlock = 65536;
    facts->warpSize = 32;
    facts->maxThreadsPerBlock = 1024;
    facts->maxThreadsPerMultiProcessor = 2048;
    facts->multiProcessorCount = kProcessors;
    facts->l2CacheSize = 50 << 20;
    facts->major = devices().major;
    facts->minor = devices().minor;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
    cudaDeviceProp facts{};
    const cudaError_t error = cudaGetDeviceProperties(&facts, device);
    if (error != cudaSuccess) return error;
    switch (attribute) {
        case cudaDevAttrMaxThreadsPerBlock:
            *value = facts.maxThreadsPerBlock;
            break;
        case cudaDevAttrMaxSharedMemoryPerBlock:
            *value = kSharedBytes;
            break;
        case cudaDevAttrMultiProcessorCount:
            *value = facts.multiProcessorCount;
            break;
        case cudaDevAttrL2CacheSize:
            *value = facts.l2CacheSize;
            break;
        case cudaDevAttrComputeCapabilityMajor:
            *value = facts.major;
            break;
        case cudaDevAttrComputeCapabilityMinor:
            *value = facts.minor;
            break;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin:
            *value = largest_shared_bytes();
            break;
        default:
            return fail(cudaErrorInvalidValue);
    }
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
    return cudaRuntimeGetVersion(version);
}
cudaError_t cudaRuntimeGetVersion(int* version) {
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
    if (const cudaError_t error = check_may_synchronize(); error != cudaSuccess) return error;
    return cudaMemcpyAsync(to, from, bytes, kind);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
    if (const cudaError_t error = check_copy(to, from, bytes, kind); error != cudaSuccess)
        return error;
    return enqueue(stream, [=] {
        if (bytes > 0) std::memcpy(to, from, bytes);
    });
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
    if (width > to_pitch || width > from_pitch) return fail(cudaErrorInvalidPitchValue);
    for (std::size_t row = 0; row < height; ++row) {
        const cudaError_t error =
            cudaMemcpyAsync(static_cast<char*>(to) + row * to_pitch,
                            static_cast<const char*>(from) + row * from_pitch, width, kind, stream);
        if (error != cudaSuccess) return error;
    }
    return cudaSuccess;
}

cudaError_t cudaMemset(void* memory, int byte, std::size_t bytes) {
    if (const cudaError_t error = check_may_synchronize(); error != cudaSuccess) return error;
    return cudaMemsetAsync(memory, byte, bytes);
}

cudaError_t cudaMemsetAsync(void* memory, int byte, std::size_t bytes, cudaStream_t stream) {
    if (const cudaError_t error = check_fill(memory, bytes); error != cudaSuccess) return error;
    return enqueue(stream, [=] {
        if (bytes > 0) std::memset(memory, byte, bytes);
    });
}
