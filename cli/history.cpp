// SPDX-License-Identifier: Apache-2.0
#include "cli/history.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

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

}  // namespace r1::cli
