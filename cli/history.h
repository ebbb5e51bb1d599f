// SPDX-License-Identifier: Apache-2.0
// What the ranks have written about a run: metrics.jsonl and evaluations.jsonl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"
#include "common/json.h"

namespace r1::cli {

/// One training step.
struct StepRecord {
    std::int64_t step = 0;  ///< over all stages
    std::int64_t total_steps = 0;
    std::string stage;
    std::string kind;  ///< "sft", "grpo", "sample"
    std::int64_t stage_step = 0;
    std::int64_t stage_steps = 0;
    std::int64_t tokens = 0;
    double seconds = 0;  ///< the step took
    std::optional<double> tokens_per_second;
    std::optional<double> reward;
    std::optional<double> loss;
    std::optional<double> accuracy;
    std::optional<double> length;
    std::optional<double> kl;
};

/// One evaluation on the held-out prompts.
struct Evaluation {
    std::int64_t step = 0;
    std::string stage;
    std::string when;  ///< "start", "stage", "interval"
    double pass_1 = 0;
    double low = 0;  ///< of the 95 % interval
    double high = 0;
    double pass_k = 0;
    std::int64_t k = 0;
    std::int64_t prompts = 0;
    std::int64_t samples = 0;
};

/// nullopt for a line that has no step.
std::optional<StepRecord> parse_step(const Json& line);
std::optional<Evaluation> parse_evaluation(const Json& line);
Json to_json(const Evaluation& evaluation);

struct History {
    std::optional<StepRecord> last;
    std::int64_t tokens = 0;  ///< of the steps that count: a step done again counts once
    std::vector<Evaluation> evaluations;
};
/// Reads both files; missing ones are empty and damaged lines are skipped.
History read_history(const RunDirectory& run);

/// The newest of both files, without reading what is before it.
struct Glance {
    std::optional<StepRecord> last;
    std::optional<Evaluation> evaluation;
    double step_seconds = 0;  ///< what the latest steps of the stage took on average; 0: not known
};
Glance glance_at(const RunDirectory& run);

/// The last complete lines of a file, at most `most` of them, in their order. Reads blocks from the
/// end; a line longer than a mebibyte ends the search. A missing file has none.
std::vector<std::string> last_lines(const std::filesystem::path& path, std::size_t most);

/// Where a reader of JSON lines goes on that skips what is there: after the last complete line.
std::uint64_t end_of_lines(const std::filesystem::path& path);

}  // namespace r1::cli
