// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>

#include "tests/emulated_gpu/block.h"
#include "tests/emulated_gpu/emulated_gpu.h"
#include "tests/emulated_gpu/state.h"

namespace r1::emulated {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;
constexpr unsigned char kPattern = 0xA5;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

struct Allocations {
    std::mutex mutex;
    std::map<std::uintptr_t, std::unique_ptr<WatchedMemory>> device, host;
    std::size_t device_bytes = 0;
};

/// Never destroyed: tests may free memory when static objects end.
Allocations& allocations() {
    static auto* all = new Allocations;
    return *all;
}

using Table = std::map<std::uintptr_t, std::unique_ptr<WatchedMemory>>;

const WatchedMemory* find(const Table& table, const void* memory) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    auto after = table.upper_bound(address);
    if (after == table.begin()) return nullptr;
    --after;
    return address <= after->first + after->second->size() ? after->second.get() : nullptr;
}

cudaError_t allocate(Table& table, void** memory, std::size_t bytes) {
    if (memory == nullptr) return fail(cudaErrorInvalidValue);
    if (bytes == 0) {
        *memory = nullptr;
        return cudaSuccess;
    }
    try {
        auto watched = std::make_unique<WatchedMemory>(bytes);
        *memory = watched->data();
        table.emplace(reinterpret_cast<std::uintptr_t>(*memory), std::move(watched));
        return cudaSuccess;
    } catch (const std::bad_alloc&) {
        return fail(cudaErrorMemoryAllocation);
    }
}

}  // namespace

WatchedMemory::WatchedMemory(std::size_t bytes)
    : page_bytes_(round_up(bytes, kPage) + 2 * kPage), bytes_(bytes) {
    void* pages = mmap(nullptr, page_bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    pages_ = static_cast<unsigned char*>(pages);
    mprotect(pages_, kPage, PROT_NONE);
    mprotect(pages_ + page_bytes_ - kPage, kPage, PROT_NONE);
    std::memset(pages_ + kPage, kPattern, page_bytes_ - 2 * kPage);
    data_ = pages_ + page_bytes_ - kPage - round_up(bytes, kAlignment);
    std::memset(data_, 0xFF, bytes);
}

void WatchedMemory::check() const {
    const auto changed = [&](const unsigned char* from, const unsigned char* to) {
        for (; from < to; ++from) {
            if (*from != kPattern) return true;
        }
        return false;
    };
    if (changed(pages_ + kPage, data_)) die("a write before an allocation of %zu bytes", bytes_);
    if (changed(data_ + bytes_, pages_ + page_bytes_ - kPage))
        die("a write beyond an allocation of %zu bytes", bytes_);
}

WatchedMemory::~WatchedMemory() {
    check();
    munmap(pages_, page_bytes_);
}

Place place_of(const void* memory, std::size_t bytes) {
    Allocations& all = allocations();
    const std::lock_guard lock(all.mutex);
    if (find(all.host, memory) != nullptr) return Place::kHost;
    const WatchedMemory* found = find(all.device, memory);
    if (found == nullptr) return Place::kUnknown;
    if (static_cast<const unsigned char*>(memory) + bytes > found->data() + found->size())
        die("a copy or fill of %zu bytes beyond an allocation of %zu bytes", bytes, found->size());
    return Place::kDevice;
}

std::size_t live_allocations() {
    Allocations& all = allocations();
    const std::lock_guard lock(all.mutex);
    return all.device.size() + all.host.size();
}

}  // namespace r1::emulated

using namespace r1::emulated;

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
    Allocations& all = allocations();
    const std::lock_guard lock(all.mutex);
    *total = devices().memory_bytes;
    *free = *total - all.device_bytes;
    return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
    if (const cudaError_t error = check_may_synchronize(); error != cudaSuccess) return error;
    Allocations& all = allocations();
    const std::lock_guard lock(all.mutex);
    if (devices().count == 0) return fail(cudaErrorNoDevice);
    if (bytes > devices().memory_bytes - all.device_bytes) return fail(cudaErrorMemoryAllocation);
    const cudaError_t error = allocate(all.device, memory, bytes);
    if (error == cudaSuccess) all.device_bytes += bytes;
    return error;
}

cudaError_t cudaFree(void* memory) {
    if (const cudaError_t error = check_may_synchronize(); error != cudaSuccess) return error;
    if (memory == nullptr) return cudaSuccess;
    Allocations& all = allocations();
    const std::lock_guard lock(all.mutex);
    const auto found = all.device.find(reinterpret_cast<std::uintptr_t>(memory));
    if (found == all.device.end()) return fail(cudaErrorInvalidValue);
    all.device_bytes -= found->second->size();
    all.device.erase(found);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
    if (const cudaError_t error = check_may_synchronize(); error != cudaSuccess) return error;
    Allocations& all = allocations();
    const std::lock_guard lock(all.mutex);
    if (devices().count == 0) return fail(cudaErrorNoDevice);
    return allocate(all.host, memory, bytes);
}

cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
    return cudaMallocHost(memory, bytes);
}

cudaError_t cudaFreeHost(void* memory) {
    if (const cudaError_t error = check_may_synchronize(); error != cudaSuccess) return error;
    if (memory == nullptr) return cudaSuccess;
    Allocations& all = allocations();
    const std::lock_guard lock(all.mutex);
    return all.host.erase(reinterpret_cast<std::uintptr_t>(memory)) == 1
               ? cudaSuccess
               : fail(cudaErrorInvalidValue);
}
