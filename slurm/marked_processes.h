// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace r1 {

/// A mark is one "NAME=value" in a process's environment. Children inherit it, so it finds the
/// ranks of a launch even when the process that started them is gone.
std::vector<pid_t> processes_marked(const std::string& mark);

/// Kills them (SIGKILL) until none is left, for two seconds at most. Spares the calling process.
void kill_processes_marked(const std::string& mark);

}  // namespace r1
