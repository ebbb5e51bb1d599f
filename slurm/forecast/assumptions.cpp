// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/assumptions.h"

#include <array>
#include <cstdio>

namespace r1 {

namespace {

std::string digits(double value) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.4g", value);
    return text.data();
}

std::string percent(double share) {
    return digits(share * 100) + "%";
}

std::string device_sentence(const RunForecast& run) {
    const Hardware& device = run.hardware;
    std::string text = "Device " + device.name + ": " + digits(device.flops / 1e12) + " TFLOP/s, " +
                       digits(device.memory_bandwidth / 1e9) + " GB/s of memory, " +
                       digits(device.node_bandwidth / 1e9) + " GB/s within a node";
    if (run.layout.nodes > 1)
        text += ", " + digits(device.network_bandwidth / 1e9) + " GB/s between nodes";
    return text + " (" + device.source + ").";
}

std::string efficiency_sentence(const RunForecast& run) {
    const Efficiencies& used = run.efficiencies;
    return "Efficiency (" + used.source + "): training " + percent(used.training) +
           " of the arithmetic peak, prefill and reference " + percent(used.prefill) +
           ", decoding " + percent(used.decode) + " of what binds it, messages " +
           percent(used.network) + " of the links' rate.";
}

std::string overhead_sentence(const RunForecast& run) {
    const Efficiencies& used = run.efficiencies;
    return "Besides its work (" + used.source + ") a step takes " + digits(used.step_seconds) +
           " s, each block of a pass " + digits(used.layer_seconds * 1e6) + " us, a save " +
           digits(used.save_seconds) + " s and the start " + digits(used.start_seconds) + " s.";
}

std::string longest_sentence(const RunForecast& run) {
    if (run.efficiencies.longest_ratio > 0)
        return "The longest output of a rollout has " + digits(run.efficiencies.longest_ratio) +
               " times the mean length (" + run.efficiencies.source + ").";
    return "Lengths of outputs are exponentially distributed, so the longest of n has H(n) times "
           "the mean, up to the limit.";
}

void add_lengths(const Recipe& recipe, const RunForecast& run, std::vector<std::string>& all) {
    const bool calibrated = run.efficiencies.source != "assumed";
    for (const StageSection& stage : recipe.stages) {
        const bool sft = stage.kind == StageKind::kSft;
        const Lengths lengths = lengths_at(recipe, stage, 0, run.efficiencies);
        const std::string what = sft ? "a sequence" : "an output";
        if (stage.expected_tokens == 0)
            all.push_back("Stage " + stage.name + ": " + what + " has " + digits(lengths.output) +
                          (calibrated ? " tokens (" + run.efficiencies.source + ")."
                                      : " tokens, the longest there may be; set "
                                        "expected_tokens."));
        if (!sft && stage.expected_prompt_tokens == 0)
            all.push_back("Stage " + stage.name + ": a prompt has " + digits(lengths.prompt) +
                          " tokens" +
                          (calibrated ? " (" + run.efficiencies.source + ")."
                                      : "; set expected_prompt_tokens."));
    }
}

}  // namespace

std::vector<std::string> assumptions_of(const Recipe& recipe, const RunForecast& run) {
    std::vector<std::string> all = {device_sentence(run), efficiency_sentence(run),
                                    overhead_sentence(run), longest_sentence(run)};
    add_lengths(recipe, run, all);
    all.push_back(
        "Within a phase, arithmetic, memory and messages overlap: the longest of them counts.");
    all.push_back("Ranks are equally fast, nothing fails, and no time passes in the queue.");
    if (!run.layout.gpus)
        all.push_back(
            "On a CPU a value that goes through a norm, a gate or a softmax takes as long as 80 "
            "flops "
            "of a matrix product.");
    bool sparse = recipe.model.n_routed_experts > 0;
    for (const StageSection& stage : recipe.stages)
        sparse = sparse || recipe.model_of(stage).n_routed_experts > 0;
    if (sparse)
        all.push_back(
            "Tokens spread evenly over the experts, and no rule keeps a token's experts to a few "
            "nodes.");
    return all;
}

}  // namespace r1
