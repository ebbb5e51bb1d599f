// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace r1 {

/// CRC-32 as zlib, PNG and Ethernet have it: crc32("123456789") == 0xCBF43926.
std::uint32_t crc32(std::string_view bytes);

}  // namespace r1
