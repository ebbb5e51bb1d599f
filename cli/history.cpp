// SPDX-License-Identifier: Apache-2.0
#include "cli/history.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "common/error.h"

namespace r1::cli {

namespace {

std::optional<double> number(const Json& line, const char* name) {
    const auto field = line.find(name);
    if (field == line.end() || !field->is_number()) return std::nullopt;
    return field->get<double>();
}

std::optional<std::int64_t> integer(const Json& line, const char* name) {
    const auto field = line.find(name);
    if (field == line.end() || !field->is_number_integer()) return std::nullopt;
    return field->get<std::int64_t>();
}

std::string text(const Json& line, const char* name) {
    const auto field = line.find(name);
    return field != line.end() && field->is_string() ? field->get<std::string>() : "";
}

constexpr std::size_t kBlock = 8192;
constexpr std::size_t kLongestLine = std::size_t{1} << 20;
constexpr std::size_t kGlanceLines = 8;

std::optional<Json> parsed(const std::string& line, const std::filesystem::path& path) {
    try {
        return parse_json_object(line, path.string());
    } catch (const Error&) {
        return std::nullopt;  // damaged
    }
}

/// The complete lines in a text that begins at the start of a line.
std::vector<std::string> complete_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t start = 0;
    for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1)
        lines.push_back(text.substr(start, end - start));
    return lines;
}

/// Puts the block that ends at `start` before `text` and moves `start` there.
bool read_block_before(std::ifstream& in, std::streamoff& start, std::string& text) {
    const auto wanted = std::min<std::streamoff>(start, kBlock);
    std::string block(static_cast<std::size_t>(wanted), '\0');
    if (!in.seekg(start - wanted) || !in.read(block.data(), wanted)) return false;
    text.insert(0, block);
    start -= wanted;
    return true;
}

}  // namespace

std::optional<StepRecord> parse_step(const Json& line) {
    const auto step = integer(line, "step");
    if (!step) return std::nullopt;
    StepRecord record;
    record.step = *step;
    record.total_steps = integer(line, "total_steps").value_or(0);
    record.stage = text(line, "stage");
    record.kind = text(line, "kind");
    record.stage_step = integer(line, "stage_step").value_or(0);
    record.stage_steps = integer(line, "stage_steps").value_or(0);
    record.tokens = std::llround(number(line, "perf/total_num_tokens").value_or(0));
    record.seconds = number(line, "perf/time_per_step").value_or(0);
    record.tokens_per_second = number(line, "perf/throughput");
    record.reward = number(line, "critic/rewards/mean");
    record.loss = number(line, "sft/loss");
    record.accuracy = number(line, "reward/accuracy/mean");
    if (!record.accuracy) record.accuracy = number(line, "sft/accuracy");
    record.length = number(line, "response_length/mean");
    record.kl = number(line, "actor/kl_loss");
    return record;
}

std::optional<Evaluation> parse_evaluation(const Json& line) {
    const auto step = integer(line, "step");
    const auto pass_1 = number(line, "pass@1");
    if (!step || !pass_1) return std::nullopt;
    Evaluation evaluation;
    evaluation.step = *step;
    evaluation.stage = text(line, "stage");
    evaluation.when = text(line, "when");
    evaluation.pass_1 = *pass_1;
    evaluation.low = number(line, "pass@1_low").value_or(*pass_1);
    evaluation.high = number(line, "pass@1_high").value_or(*pass_1);
    evaluation.pass_k = number(line, "pass@k").value_or(*pass_1);
    evaluation.k = integer(line, "k").value_or(1);
    evaluation.prompts = integer(line, "prompts").value_or(0);
    evaluation.samples = integer(line, "samples").value_or(0);
    return evaluation;
}

Json to_json(const Evaluation& evaluation) {
    return Json{{"step", evaluation.step},       {"stage", evaluation.stage},
                {"when", evaluation.when},       {"pass@1", evaluation.pass_1},
                {"pass@1_low", evaluation.low},  {"pass@1_high", evaluation.high},
                {"pass@k", evaluation.pass_k},   {"k", evaluation.k},
                {"prompts", evaluation.prompts}, {"samples", evaluation.samples}};
}

History read_history(const RunDirectory& run) {
    History history;
    std::uint64_t offset = 0;
    std::map<std::int64_t, std::int64_t> tokens_of;
    for (const Json& line : read_json_lines(run.metrics(), offset)) {
        const auto step = parse_step(line);
        if (!step) continue;
        tokens_of[step->step] = step->tokens;
        history.last = step;
    }
    for (const auto& [step, tokens] : tokens_of) history.tokens += tokens;
    offset = 0;
    for (const Json& line : read_json_lines(run.evaluations(), offset)) {
        const auto evaluation = parse_evaluation(line);
        if (!evaluation) continue;
        std::erase_if(history.evaluations, [&](const Evaluation& earlier) {
            return earlier.step == evaluation->step && earlier.stage == evaluation->stage &&
                   earlier.when == evaluation->when;
        });
        history.evaluations.push_back(*evaluation);
    }
    return history;
}

std::vector<std::string> last_lines(const std::filesystem::path& path, std::size_t most) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) return {};
    std::streamoff start = in.tellg();
    std::string text;
    // One newline more than lines: the one that ends the line before them.
    while (start > 0 && text.size() < kLongestLine &&
           static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) <= most)
        if (!read_block_before(in, start, text)) return {};
    if (start > 0) text.erase(0, text.find('\n') + 1);
    std::vector<std::string> lines = complete_lines(text);
    if (lines.size() > most)
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
    return lines;
}

std::uint64_t end_of_lines(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) return 0;
    std::streamoff start = in.tellg();
    std::string text;
    while (start > 0) {
        if (!read_block_before(in, start, text)) return 0;
        const std::size_t newline = text.rfind('\n');
        if (newline != std::string::npos) return static_cast<std::uint64_t>(start) + newline + 1;
    }
    return 0;
}

Glance glance_at(const RunDirectory& run) {
    Glance glance;
    std::int64_t steps = 0;
    double seconds = 0;
    const std::vector<std::string> metrics = last_lines(run.metrics(), kGlanceLines);
    for (auto line = metrics.rbegin(); line != metrics.rend(); ++line) {
        const auto json = parsed(*line, run.metrics());
        const auto step = json ? parse_step(*json) : std::nullopt;
        if (!step) continue;
        if (!glance.last) glance.last = step;
        if (step->stage != glance.last->stage) break;
        ++steps;
        seconds += step->seconds;
    }
    if (steps > 0) glance.step_seconds = seconds / static_cast<double>(steps);
    for (const std::string& line : last_lines(run.evaluations(), kGlanceLines)) {
        const auto json = parsed(line, run.evaluations());
        const auto evaluation = json ? parse_evaluation(*json) : std::nullopt;
        if (evaluation) glance.evaluation = evaluation;
    }
    return glance;
}

}  // namespace r1::cli
