// SPDX-License-Identifier: Apache-2.0
// The log of a program: stderr, never stdout. Only `cli` and `mpi_runtime/trainer` log; the modules
// below return or throw. The text is one finished string, so that no header shows the log's
// library.
#pragma once

#include <string>
#include <string_view>

namespace r1 {

/// Sets the log up once, at the start of main. `who` stands before every line ("rank 3/8 node7").
void start_log(std::string_view who, bool verbose = false);

void log_debug(const std::string& text);
void log_info(const std::string& text);
void log_warning(const std::string& text);
void log_error(const std::string& text);

}  // namespace r1
