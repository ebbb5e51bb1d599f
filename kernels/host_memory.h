// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace r1 {

/// Zeroed, 64-byte aligned host memory. Throws Error naming the size when there is none.
void* allocate_host(std::size_t bytes);
void release_host(void* memory) noexcept;

}  // namespace r1
