// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "kernels/cuda/check.h"
#include "kernels/cuda/staging.h"

namespace r1::cuda {

Staging::Staging(cudaStream_t stream, DeviceWatches& watches) : stream_(stream), watches_(watches) {
    try {
        for (Slot& slot : slots_) {
            check_cuda(cudaMallocHost(&slot.memory, kSlotBytes), "cudaMallocHost");
            check_cuda(cudaEventCreateWithFlags(&slot.done, cudaEventDisableTiming),
                       "cudaEventCreate");
        }
    } catch (...) {
        close();
        throw;
    }
}

Staging::~Staging() {
    close();
}

void Staging::close() noexcept {
    for (Slot& slot : slots_) {
        if (slot.done != nullptr) cudaEventDestroy(slot.done);
        if (slot.memory != nullptr) cudaFreeHost(slot.memory);
    }
}

Staging::Slot& Staging::next_slot() {
    Slot& slot = slots_[used_++ % kSlots];
    wait_for(slot);
    return slot;
}

void Staging::wait_for(const Slot& slot) {
    if (!watches_.empty())
        watches_.wait_until([&] {
            const cudaError_t status = cudaEventQuery(slot.done);
            if (status == cudaErrorNotReady) return false;
            check_cuda(status, "cudaEventQuery");
            return true;
        });
    check_cuda(cudaEventSynchronize(slot.done), "cudaEventSynchronize");
}

void Staging::to_device(void* device, const void* host, std::size_t bytes) {
    for (std::size_t start = 0; start < bytes; start += kSlotBytes) {
        const std::size_t size = std::min(kSlotBytes, bytes - start);
        Slot& slot = next_slot();
        std::memcpy(slot.memory, static_cast<const char*>(host) + start, size);
        check_cuda(cudaMemcpyAsync(static_cast<char*>(device) + start, slot.memory, size,
                                   cudaMemcpyHostToDevice, stream_),
                   "cudaMemcpyAsync to the device");
        check_cuda(cudaEventRecord(slot.done, stream_), "cudaEventRecord");
    }
}

void Staging::to_host(void* host, const void* device, std::size_t bytes) {
    std::array<Slot*, kSlots> pending{};
    const std::size_t chunks = (bytes + kSlotBytes - 1) / kSlotBytes;
    const auto size_of = [&](std::size_t chunk) {
        return std::min(kSlotBytes, bytes - chunk * kSlotBytes);
    };
    std::size_t asked = 0;
    for (std::size_t taken = 0; taken < chunks; ++taken) {
        for (; asked < chunks && asked < taken + kSlots; ++asked) {
            Slot& slot = next_slot();
            check_cuda(
                cudaMemcpyAsync(slot.memory, static_cast<const char*>(device) + asked * kSlotBytes,
                                size_of(asked), cudaMemcpyDeviceToHost, stream_),
                "cudaMemcpyAsync to the host");
            check_cuda(cudaEventRecord(slot.done, stream_), "cudaEventRecord");
            pending[asked % kSlots] = &slot;
        }
        Slot& slot = *pending[taken % kSlots];
        wait_for(slot);
        std::memcpy(static_cast<char*>(host) + taken * kSlotBytes, slot.memory, size_of(taken));
    }
}

}  // namespace r1::cuda
