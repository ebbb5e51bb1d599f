// SPDX-License-Identifier: Apache-2.0
// Memory that only the emulated device sees: a stray access of the host ends the program.
#pragma once

#include <cstddef>

namespace r1::test {

/// Whole pages, zeroed; the last byte asked for is next to a page that nobody may touch.
void* allocate_hidden(std::size_t bytes);
void release_hidden(void* memory);

/// While one lives, all hidden memory can be read and written.
class DeviceAccess {
  public:
    DeviceAccess();
    DeviceAccess(const DeviceAccess&) = delete;
    DeviceAccess& operator=(const DeviceAccess&) = delete;
    ~DeviceAccess();
};

}  // namespace r1::test
