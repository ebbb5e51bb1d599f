// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/evaluation.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/reward/reward.h"
#include "mpi_runtime/trainer/work_split.h"

namespace r1 {

double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k) {
    if (n - c < k) return 1;
    // C(n − c, k) / C(n, k) as a product, so that nothing overflows.
    double none = 1;
    for (std::int64_t i = n - c + 1; i <= n; ++i)
        none *= 1 - static_cast<double>(k) / static_cast<double>(i);
    return 1 - none;
}

EvaluationResult summarise_correct(std::span<const std::int64_t> correct, std::int64_t samples,
                                   std::int64_t k) {
    EvaluationResult result;
    result.prompts = static_cast<std::int64_t>(correct.size());
    result.samples = samples;
    result.k = k;
    const auto count = static_cast<double>(correct.size());
    for (const std::int64_t c : correct) {
        result.pass_at_1 += static_cast<double>(c) / static_cast<double>(samples) / count;
        result.pass_at_k += pass_at_k(samples, c, k) / count;
    }
    double squares = 0;
    for (const std::int64_t c : correct) {
        const double share = static_cast<double>(c) / static_cast<double>(samples);
        squares += (share - result.pass_at_1) * (share - result.pass_at_1);
    }
    const double error = count > 1 ? 1.96 * std::sqrt(squares / (count - 1) / count) : 1.0;
    result.pass_at_1_low = std::max(0.0, result.pass_at_1 - error);
    result.pass_at_1_high = std::min(1.0, result.pass_at_1 + error);
    return result;
}

namespace {

/// What one rank counted; the sums are exact, so that any split gives the same result.
struct Counts {
    std::vector<std::int64_t> correct;  // by prompt
    std::vector<std::int64_t> totals = std::vector<std::int64_t>(4, 0);
    std::int64_t& well_formed() { return totals[0]; }
    std::int64_t& truncated() { return totals[1]; }
    std::int64_t& errors() { return totals[2]; }
    std::int64_t& tokens() { return totals[3]; }
};

std::vector<RolloutRequest> held_out_requests(const Session& session,
                                              const EvaluationSection& section,
                                              std::vector<Prompt>& prompts) {
    const auto samples = static_cast<std::size_t>(section.samples);
    const auto [first, last] = even_part(static_cast<std::size_t>(section.prompts) * samples,
                                         session.data.rank(), session.data.size());
    std::vector<RolloutRequest> requests;
    for (std::size_t at = first; at < last;) {
        const std::size_t count = std::min(last, (at / samples + 1) * samples) - at;
        const auto index = static_cast<std::uint32_t>(at / samples);
        prompts.push_back(session.task->prompt(Split::kHeldOut, index));
        requests.push_back({index, session.tokenizer->encode_plain(prompts.back().text),
                            static_cast<std::uint32_t>(at % samples),
                            static_cast<std::uint32_t>(count)});
        at += count;
    }
    return requests;
}

Counts count_own(Session& session, Actor& actor, const EvaluationSection& section) {
    std::vector<Prompt> prompts;
    const std::vector<RolloutRequest> requests = held_out_requests(session, section, prompts);
    RolloutOptions options;
    options.rule = {section.temperature, section.top_p, 0};
    options.max_new_tokens = static_cast<std::int32_t>(section.max_new_tokens);
    options.end_of_text = session.tokenizer->end_of_text();
    options.key = make_key(session.recipe.seed, Purpose::kEvaluate);
    const std::vector<Completion> outputs = actor.generate(requests, options);
    Counts counts;
    counts.correct.assign(static_cast<std::size_t>(section.prompts), 0);
    std::size_t output = 0;
    for (std::size_t r = 0; r < requests.size(); ++r) {
        for (std::uint32_t i = 0; i < requests[r].count; ++i, ++output) {
            beat();
            std::vector<std::int32_t> tokens = outputs[output].tokens;
            counts.tokens() += static_cast<std::int64_t>(tokens.size());
            if (outputs[output].ended) tokens.pop_back();
            const Reward reward = score(*session.task, session.recipe.rewards, prompts[r],
                                        session.tokenizer->decode(tokens), outputs[output].ended);
            counts.correct[requests[r].prompt_index] += reward.accuracy > 0 ? 1 : 0;
            counts.well_formed() += reward.format > 0 ? 1 : 0;
            counts.truncated() += outputs[output].ended ? 0 : 1;
            counts.errors() += reward.verdict == Verdict::kError ? 1 : 0;
        }
    }
    return counts;
}

}  // namespace

EvaluationResult evaluate(Session& session, Actor& actor, const EvaluationSection& section) {
    const Activity evaluating("evaluating");
    Counts counts = count_own(session, actor, section);
    session.data.all_reduce(counts.correct.data(), counts.correct.size(), ReduceOp::kSum);
    session.data.all_reduce(counts.totals.data(), counts.totals.size(), ReduceOp::kSum);
    EvaluationResult result = summarise_correct(counts.correct, section.samples, section.k);
    const auto outputs = static_cast<double>(section.prompts * section.samples);
    result.format = static_cast<double>(counts.well_formed()) / outputs;
    result.truncated = static_cast<double>(counts.truncated()) / outputs;
    result.response_length = static_cast<double>(counts.tokens()) / outputs;
    result.verifier_errors = counts.errors();
    result.tokens = counts.tokens();
    return result;
}

Json to_json(const EvaluationResult& result) {
    Json json;
    json["pass@1"] = result.pass_at_1;
    json["pass@1_low"] = result.pass_at_1_low;
    json["pass@1_high"] = result.pass_at_1_high;
    json["pass@k"] = result.pass_at_k;
    json["k"] = result.k;
    json["prompts"] = result.prompts;
    json["samples"] = result.samples;
    json["format"] = result.format;
    json["truncated"] = result.truncated;
    json["response_length"] = result.response_length;
    json["verifier_errors"] = result.verifier_errors;
    json["tokens"] = result.tokens;
    return json;
}

}  // namespace r1
