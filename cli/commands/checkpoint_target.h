// SPDX-License-Identifier: Apache-2.0
// What the checkpoint verbs work on: a run, a folder of checkpoints, or one checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/run_directory.h"
#include "common/json.h"

namespace CLI {
class App;
}

namespace r1::cli {

/// What every verb takes.
struct CheckpointOptions {
    std::string target;
    std::filesystem::path runs;
    bool json = false;
};
/// Registers target, --runs and --json.
void add_checkpoint_options(CLI::App& command, CheckpointOptions& options);

struct FoundCheckpoint {
    std::int64_t step = 0;
    std::filesystem::path path;
};

struct CheckpointTarget {
    std::string name;                 ///< for people: the run's id, or the path
    std::optional<RunDirectory> run;  ///< whose checkpoints they are, where that can be told
    std::filesystem::path folder;     ///< that holds them
    bool single = false;              ///< one checkpoint was named, and not what holds it
    std::vector<FoundCheckpoint> checkpoints;  ///< by step

    /// "r1ctl checkpoint verify addition", for the same target.
    std::string command(std::string_view verb) const;
    /// The one of the step, or the newest. Throws Error: kUsage when there is none of that step,
    /// kCheckpoint when there is none at all.
    const FoundCheckpoint& choose(std::optional<std::int64_t> step) const;
    /// The one of the step, or all. Throws as choose() does.
    std::vector<FoundCheckpoint> choose_all(std::optional<std::int64_t> step) const;
    /// For the JSON of a verb: schema, target, and the run's id where there is one.
    Json head() const;
};

/// A folder that is a checkpoint or holds some, otherwise a run as find_run() knows it. Throws
/// Error (kUsage) when it is nothing of that.
CheckpointTarget find_checkpoints(const std::filesystem::path& runs, const std::string& text);

/// Over bytes that are no UTF-8, which names of files may have.
void print_json(const Json& record, std::ostream& out);

}  // namespace r1::cli
