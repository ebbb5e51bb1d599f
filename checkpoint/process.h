// SPDX-License-Identifier: Apache-2.0
// Which process is which on this host, over reused pids and reboots.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace r1 {

/// When the process started, in clock ticks since boot; nullopt when it does not run (a zombie
/// does not run).
std::optional<std::int64_t> process_start_ticks(std::int64_t pid);

/// Every process of this host.
std::vector<std::int64_t> process_ids();

/// /proc/<pid>/<name> for "cmdline" or "environ": entries that end in '\0'. Empty for a process
/// that has ended, even while it is read, and for one that belongs to someone else.
std::string process_strings(std::int64_t pid, const char* name);

/// The set of process numbers that this process sees: another container has another. Empty when the
/// system does not say.
std::string process_namespace();

/// This boot of this host; empty when the system does not say.
std::string boot_id();

}  // namespace r1
