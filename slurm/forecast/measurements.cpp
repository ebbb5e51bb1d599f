// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "checkpoint/attempt.h"
#include "common/error.h"
#include "common/json.h"
#include "slurm/forecast/calibration.h"
#include "slurm/forecast/machine.h"

namespace r1 {

namespace {

constexpr double kMillisecond = 1e-3;

double real(std::int64_t value) {
    return static_cast<double>(value);
}

std::optional<double> number(const Json& line, const char* key) {
    const auto found = line.find(key);
    if (found == line.end() || !found->is_number()) return std::nullopt;
    const double value = found->get<double>();
    return std::isfinite(value) && value >= 0 ? std::optional(value) : std::nullopt;
}

std::string word(const Json& line, const char* key) {
    const auto found = line.find(key);
    return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// `otherwise` of nothing.
double median(std::vector<double> values, double otherwise) {
    if (values.empty()) return otherwise;
    const std::size_t middle = values.size() / 2;
    std::sort(values.begin(), values.end());
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// Collects what the lines of a run say.
class Reader {
  public:
    Reader(const Recipe& recipe, const Layout& layout) : recipe_(recipe), layout_(layout) {
        for (std::size_t i = 0; i < recipe.stages.size(); ++i) places_[recipe.stages[i].name] = i;
    }

    void step(const Json& line);
    void evaluation(const Json& line);
    Measurements result() &&;
    bool empty() const { return measured_.phases.empty(); }

  private:
    void sft(const StageSection& stage, const Json& line, Observation seen);
    void drawn(const StageSection& stage, const Json& line, Observation seen);
    double state_seconds(const StageSection& stage) const;

    const Recipe& recipe_;
    const Layout& layout_;
    std::map<std::string, std::size_t> places_;
    Measurements measured_;
    std::vector<double> prompts_, shares_, sequences_, longest_, others_, saves_;
};

void Reader::sft(const StageSection& stage, const Json& line, Observation seen) {
    const auto seconds = number(line, "timing_s/step");
    const auto tokens = number(line, "perf/total_num_tokens");
    if (!seconds || !tokens || *tokens <= 0) return;
    const Efficiencies plain = assumed_efficiencies(layout_);
    const double expected = lengths_at(recipe_, stage, 0, plain).output;
    seen.lengths.output = *tokens / real(stage.batch_size);
    sequences_.push_back(seen.lengths.output / expected);
    seen.seconds = *seconds;
    measured_.phases.push_back(seen);
}

void Reader::drawn(const StageSection& stage, const Json& line, Observation seen) {
    const auto output = number(line, "response_length/mean");
    const auto prompt = number(line, "prompt_length/mean");
    const auto step = number(line, "timing_s/step");
    if (!output || !prompt || !step || *output <= 0) return;
    const double steps = std::min(number(line, "stage_step").value_or(1), real(stage.steps));
    const std::int64_t at = static_cast<std::int64_t>(steps) - 1;
    const Lengths expected = lengths_at(recipe_, stage, at, assumed_efficiencies(layout_));
    seen.lengths = {*prompt, *output, expected.limit};
    prompts_.push_back(*prompt);
    shares_.push_back(*output / expected.output);
    if (const auto longest = number(line, "response_length/max"); longest && *longest >= *output) {
        seen.longest_ratio = *longest / *output;
        longest_.push_back(seen.longest_ratio);
    }
    double other = *step;
    const auto phase = [&](const char* key, Observation::Phase which) {
        const auto seconds = number(line, key);
        if (!seconds || *seconds <= 0) return;
        other -= *seconds;
        seen.phase = which;
        seen.seconds = *seconds;
        measured_.phases.push_back(seen);
    };
    phase("timing_s/rollout", Observation::Phase::kRollout);
    phase("timing_s/reference", Observation::Phase::kReference);
    phase("timing_s/update", Observation::Phase::kUpdate);
    others_.push_back(std::max(other, 0.0));
}

/// Seconds in which a save copies the state, which the forecast counts apart.
double Reader::state_seconds(const StageSection& stage) const {
    const Machine machine(recipe_, stage, layout_, cpu_core(), assumed_efficiencies(layout_));
    return copy_seconds(machine.saved_bytes(), layout_.gpus);
}

void Reader::step(const Json& line) {
    const auto place = places_.find(word(line, "stage"));
    if (place == places_.end()) return;
    const StageSection& stage = recipe_.stages[place->second];
    Observation seen;
    seen.stage = place->second;
    if (const auto save = number(line, "timing_s/save"))
        saves_.push_back(std::max(*save - state_seconds(stage), 0.0));
    stage.kind == StageKind::kSft ? sft(stage, line, seen) : drawn(stage, line, seen);
}

void Reader::evaluation(const Json& line) {
    const auto place = places_.find(word(line, "stage"));
    const auto seconds = number(line, "timing_s/evaluation");
    const auto output = number(line, "response_length");
    if (place == places_.end() || !seconds || !output || *output <= 0 || *seconds <= 0) return;
    Observation seen;
    seen.phase = Observation::Phase::kEvaluation;
    seen.stage = place->second;
    seen.lengths.output = *output;
    seen.lengths.limit = real(recipe_.evaluation.max_new_tokens);
    // An output that was cut is as long as the limit.
    if (number(line, "truncated").value_or(0) > 0)
        seen.longest_ratio = seen.lengths.limit / *output;
    seen.seconds = *seconds;
    measured_.phases.push_back(seen);
}

Measurements Reader::result() && {
    Efficiencies& found = measured_.efficiencies;
    found = assumed_efficiencies(layout_);
    found.prompt_tokens = median(prompts_, 0);
    found.longest_ratio = median(longest_, 0);
    found.token_share = median(shares_, 1);
    found.sequence_share = median(sequences_, 1);
    found.step_seconds = median(others_, found.step_seconds);
    found.save_seconds = median(saves_, found.save_seconds);
    for (Observation& seen : measured_.phases) {
        if (recipe_.stages[seen.stage].kind == StageKind::kSft &&
            seen.phase == Observation::Phase::kUpdate)
            seen.seconds = std::max(seen.seconds - found.step_seconds, seen.seconds / 2);
        if (seen.phase != Observation::Phase::kEvaluation) continue;
        seen.lengths.prompt = found.prompt_tokens;
        if (seen.longest_ratio == 0) seen.longest_ratio = found.longest_ratio;
    }
    return std::move(measured_);
}

/// From the start of the command to the first step, without the evaluation before it.
double start_seconds(const RunDirectory& run, const std::vector<Json>& steps,
                     const std::vector<Json>& evaluations, double otherwise) {
    const std::optional<AttemptRecord> attempt = read_attempt(run, 1);
    if (!attempt || steps.empty()) return otherwise;
    const auto ended = number(steps.front(), "time_ms");
    const auto took = number(steps.front(), "timing_s/step");
    if (!ended || !took || number(steps.front(), "step") != 1.0) return otherwise;
    double seconds = (*ended - real(attempt->start_ms)) * kMillisecond - *took;
    for (const Json& line : evaluations)
        if (word(line, "when") == "start")
            seconds -= number(line, "timing_s/evaluation").value_or(0);
    return std::max(seconds, 0.0);
}

}  // namespace

Measurements read_measurements(const RunDirectory& run, const Recipe& recipe,
                               const Layout& layout) {
    std::uint64_t offset = 0;
    const std::vector<Json> steps = read_json_lines(run.metrics(), offset);
    offset = 0;
    const std::vector<Json> evaluations = read_json_lines(run.evaluations(), offset);
    Reader reader(recipe, layout);
    for (const Json& line : steps) reader.step(line);
    if (reader.empty())
        throw Error(ExitCode::kUsage, "run " + run.run_id() +
                                          " has no finished step in metrics.jsonl to calibrate "
                                          "from; take another run");
    for (const Json& line : evaluations) reader.evaluation(line);
    Measurements measured = std::move(reader).result();
    measured.efficiencies.source = "calibrated from run " + run.run_id();
    measured.efficiencies.start_seconds =
        start_seconds(run, steps, evaluations, measured.efficiencies.start_seconds);
    return measured;
}

}  // namespace r1
