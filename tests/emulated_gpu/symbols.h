// SPDX-License-Identifier: Apache-2.0
// What the symbol table of the running program tells: the names of kernels, and where the static
// shared memory lies.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace r1::emulated {

/// The mangled name; "a kernel without a name" when the table does not know it.
const std::string& name_of(const void* function);

std::string readable_name_of(const void* function);

struct Bytes {
    unsigned char* begin = nullptr;
    std::size_t count = 0;
};
/// Every __shared__ variable, in the memory of the calling host thread.
std::vector<Bytes> static_shared_memory();

}  // namespace r1::emulated
