// SPDX-License-Identifier: Apache-2.0
// Durations and sizes as recipes write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace r1 {

/// A length of time in whole seconds.
struct Duration {
    std::int64_t seconds = 0;
    friend bool operator==(const Duration&, const Duration&) = default;
};

/// A size in bytes.
struct Bytes {
    std::int64_t count = 0;
    friend bool operator==(const Bytes&, const Bytes&) = default;
};

/// "4d", "90m", "1h30m", "45s", "0s". Throws std::invalid_argument with a message for the user. A
/// bare "24:00" is refused with the two things it could mean; a bare number asks for its unit.
Duration parse_duration(std::string_view text);
/// Canonical text: "1d2h3m4s" without zero parts.
std::string to_string(Duration duration);

/// "64GiB", "1.5MiB", "4096B", "10GB". Throws std::invalid_argument with a message for the user.
Bytes parse_bytes(std::string_view text);
/// Canonical text: the largest binary unit that divides it, "64GiB", "4096B" -> "4KiB".
std::string to_string(Bytes bytes);

}  // namespace r1
