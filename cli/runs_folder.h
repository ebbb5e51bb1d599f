// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "checkpoint/run_directory.h"

namespace r1::cli {

/// $R1CTL_RUNS, or ./runs.
std::filesystem::path default_runs_folder();

/// The text as an argument on a shell's command line: quoted where it needs to be.
std::string as_argument(const std::string& text);

/// What the user types next: "r1ctl resume add-20261121-202601-x7k2qf". A run outside the default
/// folder is named by its path, quoted for a shell where it needs to be.
std::string next_command(std::string_view verb, const RunDirectory& run);

/// Registers --runs on any CLI11 command.
template <class App>
void add_runs_option(App& command, std::filesystem::path& runs) {
    runs = default_runs_folder();
    command.add_option("--runs", runs, "Folder of the runs (default: $R1CTL_RUNS, or ./runs)");
}

}  // namespace r1::cli
