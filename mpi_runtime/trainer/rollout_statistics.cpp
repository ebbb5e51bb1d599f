// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rollout_statistics.h"

#include <algorithm>
#include <cstdio>

#include "common/time.h"

namespace r1 {

PhaseTimes::PhaseTimes() : begin_(monotonic_seconds()), last_(begin_) {}

void PhaseTimes::end_phase(const std::string& phase) {
    const double now = monotonic_seconds();
    phases_.emplace_back(phase, now - last_);
    last_ = now;
}

void PhaseTimes::append_to(Metrics& metrics, std::int64_t tokens) const {
    const double seconds = last_ - begin_;
    for (const auto& [phase, spent] : phases_) metrics.emplace_back("timing_s/" + phase, spent);
    metrics.emplace_back("perf/time_per_step", seconds);
    metrics.emplace_back("perf/total_num_tokens", static_cast<double>(tokens));
    metrics.emplace_back("perf/throughput", static_cast<double>(tokens) / seconds);
}

namespace {

/// The share of groups whose samples all have the same reward: they teach nothing.
double zero_std_share(const std::vector<Sample>& rollout, std::int64_t group_size) {
    const auto group = static_cast<std::size_t>(group_size);
    double without_signal = 0;
    for (std::size_t first = 0; first < rollout.size(); first += group) {
        bool equal = true;
        for (std::size_t i = first; i < first + group; ++i)
            equal = equal && rollout[i].reward == rollout[first].reward;
        without_signal += equal ? 1 : 0;
    }
    return without_signal * static_cast<double>(group) / static_cast<double>(rollout.size());
}

}  // namespace

Metrics rollout_metrics(const std::vector<Sample>& rollout, const std::vector<std::size_t>& members,
                        std::int64_t group_size) {
    double reward = 0, accuracy = 0, format = 0, truncated = 0, errors = 0, prompt = 0, length = 0;
    double longest = 0;
    double shortest = static_cast<double>(rollout[members[0]].tokens.size());
    for (const std::size_t i : members) {
        const Sample& sample = rollout[i];
        const auto tokens = static_cast<double>(sample.tokens.size());
        reward += sample.reward;
        accuracy += sample.accuracy;
        format += sample.format;
        truncated += sample.ended ? 0 : 1;
        errors += sample.verifier_error ? 1 : 0;
        prompt += static_cast<double>(sample.prompt.size());
        length += tokens;
        longest = std::max(longest, tokens);
        shortest = std::min(shortest, tokens);
    }
    const auto count = static_cast<double>(members.size());
    return {{"critic/rewards/mean", reward / count},
            {"reward/accuracy/mean", accuracy / count},
            {"reward/format/mean", format / count},
            {"reward/zero_std_share", zero_std_share(rollout, group_size)},
            {"reward/verifier_errors", errors},
            {"response_length/mean", length / count},
            {"response_length/max", longest},
            {"response_length/min", shortest},
            {"response_length/clip_ratio", truncated / count},
            {"prompt_length/mean", prompt / count}};
}

std::string rollout_disagreement(double mean_probability_difference) {
    if (mean_probability_difference <= kMostProbabilityDifference) return {};
    char text[200];
    std::snprintf(text, sizeof text,
                  "rollout and training differ by %.3g in the probability of a token on average, "
                  "which rounding does not explain (%.3g): this step is not on-policy",
                  mean_probability_difference, kMostProbabilityDifference);
    return text;
}

std::int64_t trained_rows(const std::vector<Sample>& rollout,
                          const std::vector<std::size_t>& members) {
    std::int64_t rows = 0;
    for (const std::size_t i : members) rows += rollout[i].rows();
    return rows;
}

}  // namespace r1
