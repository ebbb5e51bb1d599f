// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <optional>

#include "slurm/forecast/forecast.h"

namespace r1 {

namespace {

constexpr std::int64_t kMostRanks = 16;  // times those of the layout
constexpr std::int64_t kMostParts = 64;  // of a pipeline
constexpr std::int64_t kFewestTokens = 512;

struct Candidate {
    Recipe recipe;
    Layout layout;
};

/// The stage that needs the most of its device.
MemoryForecast largest(const Candidate& candidate, const Hardware& hardware) {
    const Efficiencies assumed = assumed_efficiencies(candidate.layout);
    MemoryForecast most;
    most.capacity = hardware.memory;
    for (const StageSection& stage : candidate.recipe.stages) {
        const Layout own = layout_of_stage(candidate.recipe, stage, candidate.layout);
        const MemoryForecast memory = memory_of(candidate.recipe, stage, own, hardware, assumed);
        if (memory.total > most.total) most = memory;
    }
    return most;
}

bool divides(const Candidate& candidate) {
    for (const StageSection& stage : candidate.recipe.stages) {
        const ParallelSection& parallel = candidate.recipe.parallel;
        const ModelSection& model = candidate.recipe.model_of(stage);
        const std::int64_t ranks = layout_of_stage(candidate.recipe, stage, candidate.layout).ranks;
        const std::int64_t shares = parallel.tensor * parallel.pipeline;
        const std::int64_t experts = std::max<std::int64_t>(model.n_routed_experts, 1);
        if (ranks % shares != 0 || ranks / shares % parallel.expert != 0 ||
            experts % parallel.expert != 0 || model.num_attention_heads % parallel.tensor != 0 ||
            model.num_hidden_layers < parallel.pipeline)
            return false;
    }
    return true;
}

/// With smaller micro-batches and with recomputing, the least change first.
std::optional<Candidate> with_less_kept(Candidate candidate, const Hardware& hardware) {
    if (!divides(candidate)) return std::nullopt;
    const std::int64_t tokens = candidate.recipe.training.micro_batch_tokens;
    for (const bool recompute : {candidate.recipe.training.recompute, true}) {
        candidate.recipe.training.recompute = recompute;
        std::int64_t& micro = candidate.recipe.training.micro_batch_tokens;
        for (micro = tokens; micro == tokens || micro >= kFewestTokens; micro /= 2)
            if (largest(candidate, hardware).fits()) return candidate;
    }
    return std::nullopt;
}

void multiply_ranks(Candidate& candidate, std::int64_t times) {
    const std::int64_t before = candidate.recipe.resources.ranks;
    candidate.layout.ranks *= times;
    candidate.layout.nodes *= times;
    candidate.recipe.resources.ranks *= times;
    for (StageSection& stage : candidate.recipe.stages)
        if (stage.resources && stage.resources->ranks == before) stage.resources->ranks *= times;
}

std::optional<Candidate> with_more_ranks(const Candidate& candidate, const Hardware& hardware) {
    for (std::int64_t times = 1; times <= kMostRanks; times *= 2) {
        for (std::int64_t zero = candidate.recipe.parallel.zero; zero <= 3; ++zero) {
            Candidate changed = candidate;
            changed.recipe.parallel.zero = zero;
            // A node is filled before another one is taken.
            const std::int64_t ranks = candidate.layout.ranks * times;
            multiply_ranks(changed, times);
            if (hardware.per_node > 0)
                changed.layout.nodes = std::max(
                    candidate.layout.nodes, (ranks + hardware.per_node - 1) / hardware.per_node);
            if (auto found = with_less_kept(changed, hardware)) return found;
        }
    }
    return std::nullopt;
}

std::string gigabytes(double bytes) {
    char text[48];
    std::snprintf(text, sizeof text, "%.1f GB", bytes / 1e9);
    return text;
}

std::string sentence(const Candidate& from, const Candidate& to, const Hardware& hardware) {
    std::string text;
    const auto change = [&text](const char* key, std::int64_t before, std::int64_t after) {
        if (before == after) return;
        text +=
            (text.empty() ? "" : " ") + std::string("--set ") + key + "=" + std::to_string(after);
    };
    change("training.micro_batch_tokens", from.recipe.training.micro_batch_tokens,
           to.recipe.training.micro_batch_tokens);
    if (from.recipe.training.recompute != to.recipe.training.recompute)
        text += (text.empty() ? "" : " ") + std::string("--set training.recompute=true");
    change("parallel.zero", from.recipe.parallel.zero, to.recipe.parallel.zero);
    change("resources.ranks", from.layout.ranks, to.layout.ranks);
    change("parallel.tensor", from.recipe.parallel.tensor, to.recipe.parallel.tensor);
    change("parallel.expert", from.recipe.parallel.expert, to.recipe.parallel.expert);
    change("parallel.pipeline", from.recipe.parallel.pipeline, to.recipe.parallel.pipeline);
    const MemoryForecast memory = largest(to, hardware);
    return (text.empty() ? "nothing has to change" : text) + ": " + gigabytes(memory.total) +
           " of " + gigabytes(hardware.memory) + " a device";
}

}  // namespace

std::string nearest_fit(const Recipe& recipe, const Layout& layout, const Hardware& hardware) {
    const Candidate from{recipe, layout};
    const std::int64_t widest =
        std::max(recipe.parallel.tensor, std::max<std::int64_t>(hardware.per_node, 1));
    for (std::int64_t parts = recipe.parallel.pipeline; parts <= kMostParts; parts *= 2) {
        for (std::int64_t expert = recipe.parallel.expert; expert <= layout.ranks * kMostRanks;
             expert *= 2) {
            for (std::int64_t tensor = recipe.parallel.tensor; tensor <= widest; tensor *= 2) {
                Candidate candidate = from;
                candidate.recipe.parallel.pipeline = parts;
                candidate.recipe.parallel.expert = expert;
                candidate.recipe.parallel.tensor = tensor;
                if (const auto found = with_more_ranks(candidate, hardware))
                    return sentence(from, *found, hardware);
            }
        }
    }
    return {};
}

}  // namespace r1
