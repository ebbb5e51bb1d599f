// SPDX-License-Identifier: Apache-2.0
#include "kernels/host_memory.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "common/error.h"

namespace r1 {

void* allocate_host(std::size_t bytes) {
    constexpr std::size_t kAlignment = 64;
    const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    void* memory = rounded < bytes ? nullptr : std::aligned_alloc(kAlignment, rounded);
    if (memory == nullptr) {
        throw Error(ExitCode::kRunFailed,
                    "cannot allocate " + std::to_string(bytes) + " bytes of host memory");
    }
    return std::memset(memory, 0, rounded);
}

void release_host(void* memory) noexcept {
    std::free(memory);
}

}  // namespace r1
