// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/nccl/deferred_device.h"

#include <cstring>
#include <exception>

#include "tests/emulated_gpu/nccl/device_memory.h"

namespace r1::test {

TensorDevice DeferredDevice::tensors() {
    return {*this, [this](float* y, const float* x, std::size_t count) {
                enqueue(stream_, [=] {
                    for (std::size_t i = 0; i < count; ++i) y[i] += x[i];
                    return true;
                });
            }};
}

void* DeferredDevice::allocate(std::size_t bytes) {
    watches_.wait_until_idle();
    return allocate_hidden(bytes);
}

void DeferredDevice::release(void* memory) noexcept {
    try {
        watches_.wait_until_idle();
    } catch (const std::exception&) {
        // All work was given up.
    }
    drain_streams();
    release_hidden(memory);
}

void DeferredDevice::to_device(void* device, const void* host, std::size_t bytes) {
    staging_.to_device(device, host, bytes);
}

void DeferredDevice::to_host(void* host, const void* device, std::size_t bytes) {
    staging_.to_host(host, device, bytes);
}

void DeferredDevice::copy(void* target, const void* source, std::size_t bytes) {
    enqueue(stream_, [=] {
        std::memcpy(target, source, bytes);
        return true;
    });
}

void DeferredDevice::zero(void* memory, std::size_t bytes) {
    enqueue(stream_, [=] {
        std::memset(memory, 0, bytes);
        return true;
    });
}

void DeferredDevice::finish() {
    watches_.wait_until([this] { return cudaStreamQuery(stream_) == cudaSuccess; });
}

}  // namespace r1::test
