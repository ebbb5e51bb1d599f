// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/nccl/device_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <new>

namespace r1::test {

namespace {

struct Pages {
    void* first = nullptr;
    std::size_t bytes = 0;  // without the guard
};
std::map<void*, Pages> allocations;  // by the address that the caller has
int open_accesses = 0;

void protect(const Pages& pages, int rights) {
    if (mprotect(pages.first, pages.bytes, rights) != 0) std::abort();
}

void protect_all(int rights) {
    for (const auto& [memory, pages] : allocations) protect(pages, rights);
}

}  // namespace

void* allocate_hidden(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t rounded = (bytes + page - 1) / page * page;
    void* const first =
        mmap(nullptr, rounded + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (first == MAP_FAILED) throw std::bad_alloc();
    // As near to the guard as the alignment that a device promises allows.
    const std::size_t offset = (rounded - bytes) / 64 * 64;
    void* const memory = static_cast<std::byte*>(first) + offset;
    allocations[memory] = {first, rounded};
    if (open_accesses > 0) protect(allocations[memory], PROT_READ | PROT_WRITE);
    return memory;
}

void release_hidden(void* memory) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto found = allocations.find(memory);
    if (found == allocations.end()) std::abort();
    munmap(found->second.first, found->second.bytes + page);
    allocations.erase(found);
}

DeviceAccess::DeviceAccess() {
    if (open_accesses++ == 0) protect_all(PROT_READ | PROT_WRITE);
}

DeviceAccess::~DeviceAccess() {
    if (--open_accesses == 0) protect_all(PROT_NONE);
}

}  // namespace r1::test
