// SPDX-License-Identifier: Apache-2.0
// The run directory is the truth about a run. This file owns every name in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace r1 {

/// Paths of one run. Holds no file open and checks nothing.
class RunDirectory {
  public:
    explicit RunDirectory(std::filesystem::path root) : root_(std::move(root)) {}

    const std::filesystem::path& root() const { return root_; }
    std::string run_id() const { return root_.filename().string(); }
    std::filesystem::path recipe() const { return root_ / "recipe.yaml"; }
    /// The cluster's profile, frozen like the recipe. Only of a run that was submitted.
    std::filesystem::path cluster() const { return root_ / "cluster.yaml"; }
    /// "job.sbatch", "job-2.sbatch": the exact bytes submitted.
    std::filesystem::path job_script(int n) const {
        return root_ / (n == 1 ? "job.sbatch" : "job-" + std::to_string(n) + ".sbatch");
    }
    std::filesystem::path jobs() const { return root_ / "jobs"; }
    std::filesystem::path job_record(int n) const { return jobs() / (std::to_string(n) + ".json"); }
    /// Who writes to the run, and what serializes those who want to.
    std::filesystem::path writer() const { return root_ / "writer.json"; }
    std::filesystem::path writer_lock() const { return root_ / ".writer.lock"; }
    std::filesystem::path cancel_request() const { return root_ / "cancel.json"; }
    std::filesystem::path metrics() const { return root_ / "metrics.jsonl"; }
    std::filesystem::path evaluations() const { return root_ / "evaluations.jsonl"; }
    /// What Slurm's accounting has said of the run's jobs.
    std::filesystem::path accounting() const { return root_ / "accounting.json"; }
    std::filesystem::path summary() const { return root_ / "summary.json"; }
    std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
    std::filesystem::path samples() const { return root_ / "samples"; }
    /// What a sample stage accepted, for later sft stages.
    std::filesystem::path samples_of(std::string_view stage) const {
        return samples() / (std::string(stage) + ".jsonl");
    }
    std::filesystem::path attempts() const { return root_ / "attempts"; }
    std::filesystem::path attempt(int number) const { return attempts() / std::to_string(number); }
    std::filesystem::path attempt_record(int n) const { return attempt(n) / "attempt.json"; }
    std::filesystem::path attempt_ranks(int n) const { return attempt(n) / "ranks.json"; }
    std::filesystem::path attempt_outcome(int n) const { return attempt(n) / "outcome.json"; }
    std::filesystem::path attempt_error(int n, int rank) const {
        return attempt(n) / ("error-rank" + std::to_string(rank) + ".json");
    }
    /// Asks every rank for a sign of life; the ranks' answers.
    std::filesystem::path attempt_roll_call(int n) const { return attempt(n) / "roll-call.json"; }
    std::filesystem::path attempt_hang(int n, int rank) const {
        return attempt(n) / ("hang-rank" + std::to_string(rank) + ".json");
    }
    /// What the prologue found on a node.
    std::filesystem::path attempt_node(int n, const std::string& node) const {
        return attempt(n) / "nodes" / (node + ".json");
    }
    std::filesystem::path attempt_log(int n) const { return attempt(n) / "log"; }

    /// The newest attempt's number; 0 when there is none.
    int newest_attempt() const;
    /// Makes the folder of the next attempt and returns its number. mkdir decides a race: throws
    /// Error when another process took the number.
    int begin_attempt() const;

  private:
    std::filesystem::path root_;
};

/// "<name>-20261121-202601-x7k2qf": recipe name, UTC time, random suffix. Unique for ever.
std::string make_run_id(std::string_view recipe_name);

/// Makes <runs>/<run-id>/ with the frozen recipe in it. Throws Error naming the folder.
RunDirectory create_run(const std::filesystem::path& runs, std::string_view run_id,
                        std::string_view frozen_recipe);

/// Finds a run by its id, a unique prefix of it, or a path. Throws Error (kUsage) listing what is
/// near when none or several match.
RunDirectory find_run(const std::filesystem::path& runs, std::string_view name);

/// Every run in the folder, newest first; empty when the folder does not exist.
std::vector<RunDirectory> list_runs(const std::filesystem::path& runs);

}  // namespace r1
