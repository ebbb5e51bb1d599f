// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_target.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "checkpoint/checkpoint.h"
#include "cli/runs_folder.h"
#include "common/error.h"

namespace r1::cli {

namespace {

namespace fs = std::filesystem;

/// The step that a folder's name says, as list_checkpoints() understands it.
std::optional<std::int64_t> step_in_name(const fs::path& path) {
    for (const std::int64_t step : list_checkpoints(path.parent_path()))
        if (checkpoint_name(step) == path.filename()) return step;
    return std::nullopt;
}

std::optional<RunDirectory> run_around(const fs::path& checkpoints) {
    const RunDirectory run(checkpoints.parent_path());
    std::error_code error;
    if (run.checkpoints() != checkpoints || !fs::exists(run.recipe(), error)) return std::nullopt;
    return run;
}

std::vector<FoundCheckpoint> all_in(const fs::path& folder) {
    std::vector<FoundCheckpoint> list;
    for (const std::int64_t step : list_checkpoints(folder))
        list.push_back({step, folder / checkpoint_name(step)});
    return list;
}

std::optional<CheckpointTarget> find_folder(const std::string& text) {
    std::error_code error;
    const fs::path path = fs::canonical(text, error);
    if (error || !fs::is_directory(path, error)) return std::nullopt;
    CheckpointTarget target;
    target.name = text;
    const std::optional<std::int64_t> step = step_in_name(path);
    if (step || fs::exists(path / "manifest.json", error)) {
        target.folder = path.parent_path();
        target.single = true;
        target.checkpoints = {{step ? *step : read_manifest(path).step, path}};
    } else {
        target.folder = path;
        target.checkpoints = all_in(path);
        if (target.checkpoints.empty() && !run_around(path)) return std::nullopt;
    }
    target.run = run_around(target.folder);
    return target;
}

}  // namespace

void add_checkpoint_options(CLI::App& command, CheckpointOptions& options) {
    command
        .add_option("target", options.target,
                    "Run (id, the start of one, path), folder of checkpoints, or one checkpoint")
        ->required();
    add_runs_option(command, options.runs);
    command.add_flag("--json", options.json, "Print JSON (schema 1)");
}

std::string CheckpointTarget::command(std::string_view verb) const {
    const std::string words = "checkpoint " + std::string(verb);
    if (run && name == run->run_id()) return next_command(words, *run);
    return "r1ctl " + words + " " + as_argument(name);
}

const FoundCheckpoint& CheckpointTarget::choose(std::optional<std::int64_t> step) const {
    for (const FoundCheckpoint& one : checkpoints)
        if (step && one.step == *step) return one;
    if (step)
        throw Error(ExitCode::kUsage, name + " has no checkpoint of step " + std::to_string(*step) +
                                          "\n  see: " + command("list"));
    if (checkpoints.empty()) throw Error(ExitCode::kCheckpoint, name + " has no checkpoint yet");
    return checkpoints.back();
}

std::vector<FoundCheckpoint> CheckpointTarget::choose_all(std::optional<std::int64_t> step) const {
    const FoundCheckpoint& one = choose(step);
    return step ? std::vector<FoundCheckpoint>{one} : checkpoints;
}

Json CheckpointTarget::head() const {
    Json head{{"schema", 1}, {"target", name}};
    if (run) head["run_id"] = run->run_id();
    return head;
}

CheckpointTarget find_checkpoints(const fs::path& runs, const std::string& text) {
    if (std::optional<CheckpointTarget> target = find_folder(text)) return *target;
    CheckpointTarget target;
    target.run = find_run(runs, text);
    target.name = target.run->run_id();
    target.folder = target.run->checkpoints();
    target.checkpoints = all_in(target.folder);
    return target;
}

void print_json(const Json& record, std::ostream& out) {
    out << record.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace r1::cli
