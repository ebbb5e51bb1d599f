// SPDX-License-Identifier: Apache-2.0
// Which process is which on this host, over reused pids and reboots.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace r1 {

/// When the process started, in clock ticks since boot; nullopt when it does not run (a zombie
/// does not run).
std::optional<std::int64_t> process_start_ticks(std::int64_t pid);

/// This boot of this host; empty when the system does not say.
std::string boot_id();

}  // namespace r1
