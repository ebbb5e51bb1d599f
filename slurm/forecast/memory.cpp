// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/memory.h"

#include <algorithm>
#include <cmath>

#include "slurm/forecast/model_count.h"

namespace r1 {

namespace {

constexpr double kFloat = 4;
constexpr double kHeadRows = 512;      // rows of logits at once (mpi_runtime/trainer/model_runner)
constexpr double kPrefillRows = 2048;  // of one prefill pass (mpi_runtime/rollout/rollout_engine)
// The program with MPI and HDF5; on a GPU the contexts of CUDA and NCCL.
constexpr double kCpuProgram = 40e6;
constexpr double kGpuProgram = 2e9;

double real(std::int64_t value) {
    return static_cast<double>(value);
}

/// Parameters of one device before ZeRO, and with ZeRO over all that hold the same.
struct Share {
    double all = 0;
    double of_zero = 0;
};

Share share_of(const ModelCount& count, const Split& split) {
    const double common = (count.total - count.experts) / split.shares();
    const double experts = count.experts / split.shares() / split.expert;
    return {common + experts, common / split.replicas + experts * split.expert / split.replicas};
}

/// Gradients at once: strict mode adds them up in a fixed tree (mpi_runtime/trainer).
double gradient_buffers(const Recipe& recipe, const Layout& layout) {
    if (recipe.deterministic != Determinism::kStrict) return 1;
    const double depth = std::floor(std::log2(real(recipe.training.gradient_shards)));
    return (layout.ranks > 1 ? 2 * depth : depth) + 1;
}

double cache_bytes_of_token(const ModelSection& model, const Recipe& recipe, const Layout& layout) {
    const double values = token_cost(model, vocabulary_of(model)).cache_values;
    // A latent is not split by heads: every tensor rank holds it.
    const double tensor = model.kv_lora_rank > 0 ? 1 : real(recipe.parallel.tensor);
    return values * value_bytes(recipe.training, layout.gpus) / tensor /
           real(recipe.parallel.pipeline);
}

/// A place's pages: its longest sequence, and the prompt that it shares with others.
double tokens_of_place(const Recipe& recipe, const Lengths& lengths) {
    const double page = real(recipe.rollout.page_tokens);
    return page *
           (std::ceil((lengths.prompt + lengths.limit) / page) + std::ceil(lengths.prompt / page));
}

double cache_bytes(const Recipe& recipe, const StageSection& stage, const Lengths& lengths,
                   double outputs, const Layout& layout) {
    return decoding_places(recipe, stage, lengths, outputs, layout) *
           tokens_of_place(recipe, lengths) *
           cache_bytes_of_token(recipe.model_of(stage), recipe, layout);
}

/// The larger of what evaluations and the stage's own rollouts need.
double largest_cache(const Recipe& recipe, const StageSection& stage, const Layout& layout,
                     const Efficiencies& efficiencies) {
    const Split split = split_of(recipe.parallel, layout);
    const double evaluated =
        real(recipe.evaluation.prompts * recipe.evaluation.samples) / split.replicas;
    const double evaluation = cache_bytes(
        recipe, stage, evaluation_lengths(recipe, stage, efficiencies), evaluated, layout);
    if (stage.kind == StageKind::kSft) return evaluation;
    const std::int64_t last = std::max<std::int64_t>(stage.steps - 1, 0);
    return std::max(evaluation,
                    cache_bytes(recipe, stage, lengths_at(recipe, stage, last, efficiencies),
                                outputs_of_replica(stage, split), layout));
}

double activation_bytes(const Recipe& recipe, const StageSection& stage, const Layout& layout,
                        const Efficiencies& efficiencies) {
    const ModelSection& model = recipe.model_of(stage);
    const TokenCost cost = token_cost(model, vocabulary_of(model));
    const double bytes = value_bytes(recipe.training, layout.gpus);
    const double tensor = real(recipe.parallel.tensor);
    const double hidden = real(model.hidden_size);
    const double vocabulary = real(vocabulary_of(model));
    // Logits at full width, and their gradient beside them where the model computes in half.
    const double logits_width = bytes < kFloat ? kFloat + bytes : kFloat;
    const double logits = kHeadRows * (vocabulary / tensor * logits_width + 2 * hidden * bytes);
    const std::int64_t last = std::max<std::int64_t>(stage.steps - 1, 0);
    const Lengths lengths = lengths_at(recipe, stage, last, efficiencies);
    const Split split = split_of(recipe.parallel, layout);
    double training = 0;
    if (stage.kind != StageKind::kSample) {
        // A pipeline keeps as many micro-batches in flight as it has parts.
        const double layers = real(model.num_hidden_layers);
        const double kept = recipe.training.recompute ? layers * hidden + cost.kept_values
                                                      : layers * cost.kept_values;
        // A sequence is not divided, and there may be fewer than fill a micro-batch.
        const double all = sequences_of(stage) * lengths.rows() / split.replicas;
        const double rows =
            std::max(std::min(real(recipe.training.micro_batch_tokens), all), lengths.rows());
        training = rows * (kept + cost.scratch_values) / tensor * bytes + logits;
    }
    const double outputs = outputs_of_replica(stage, split);
    const double places = decoding_places(
        recipe, stage, lengths, std::max(outputs, real(recipe.rollout.batch_size)), layout);
    const double rollout =
        std::max(kPrefillRows, lengths.prompt) * (cost.kept_values + 2 * hidden) / tensor * bytes +
        2 * places * vocabulary / tensor * kFloat;
    return training + rollout;
}

/// What a pass has at once of weights or gradients that are shared by ZeRO: some layers, and the
/// embedding with the output projection (mpi_runtime/trainer/section_gatherer, section_reducer).
double sections_at_once(const Recipe& recipe, const ModelSection& model, const Share& share,
                        double layers) {
    const double table =
        real(vocabulary_of(model)) * real(model.hidden_size) / real(recipe.parallel.tensor);
    const double ends = std::min(table * (model.tie_word_embeddings ? 1 : 2), share.all);
    const double all_layers = real(model.num_hidden_layers);
    return ends + std::min(layers, all_layers) * (share.all - ends) / all_layers;
}

/// Under ZeRO 3: the own part, the sections of a training pass, and all weights while a rollout
/// samples from them.
double gathered_weights(const Recipe& recipe, const ModelSection& model, const Share& share) {
    return share.of_zero + sections_at_once(recipe, model, share, 3) + share.all;
}

}  // namespace

double sequences_of(const StageSection& stage) {
    return stage.kind == StageKind::kSft ? real(stage.batch_size)
                                         : real(stage.prompts_per_step * stage.group_size);
}

double outputs_of_replica(const StageSection& stage, const Split& split) {
    if (stage.kind == StageKind::kSft) return 0;
    const double outputs = stage.kind == StageKind::kGrpo
                               ? real(stage.rollout_size)
                               : real(stage.prompts_per_step * stage.group_size);
    return std::max(outputs / split.replicas, 1.0);
}

double decoding_places(const Recipe& recipe, const StageSection& stage, const Lengths& lengths,
                       double outputs, const Layout& layout) {
    // Every part of a pipeline works on a batch of its own.
    const double batch = real(recipe.rollout.batch_size) * real(recipe.parallel.pipeline);
    const double bytes = tokens_of_place(recipe, lengths) *
                         cache_bytes_of_token(recipe.model_of(stage), recipe, layout);
    const double by_memory = std::floor(real(recipe.rollout.kv_cache.count) / bytes);
    return std::max(std::min({batch, by_memory, std::ceil(outputs)}), 1.0);
}

MemoryForecast memory_of(const Recipe& recipe, const StageSection& stage, const Layout& layout,
                         const Hardware& hardware, const Efficiencies& efficiencies) {
    const ModelSection& model = recipe.model_of(stage);
    const Split split = split_of(recipe.parallel, layout);
    const Share share = share_of(count_parameters(model, vocabulary_of(model)), split);
    const double bytes = value_bytes(recipe.training, layout.gpus);
    const std::int64_t zero = recipe.parallel.zero;
    const bool trains = stage.kind != StageKind::kSample;
    const bool mixed = bytes < kFloat;
    const double weights = (zero >= 3 ? gathered_weights(recipe, model, share) : share.all) * bytes;
    const double gradients =
        zero >= 2 ? share.of_zero + sections_at_once(recipe, model, share, 2) : share.all;
    MemoryForecast memory;
    const auto add = [&memory](const char* name, double size) {
        memory.parts.push_back({name, size});
        memory.total += size;
    };
    add("weights", weights);
    if (trains) {
        add("gradients", gradients * kFloat * gradient_buffers(recipe, layout));
        // AdamW's two moments, and the weights at full width where the model computes in half.
        add("optimizer", share.of_zero * kFloat * (mixed ? 3 : 2));
    }
    if (stage.kind == StageKind::kGrpo && stage.kl_coefficient > 0)
        add("reference", (zero >= 3 ? share.of_zero : share.all) * bytes);
    add("KV cache", largest_cache(recipe, stage, layout, efficiencies));
    add("activations", activation_bytes(recipe, stage, layout, efficiencies));
    // A save copies a rank's own part aside and writes it while training goes on; from a GPU that
    // copy goes to the host's memory.
    constexpr double kSaved = 12;
    if (!layout.gpus)
        add("saved copy",
            count_parameters(model, vocabulary_of(model)).total * kSaved / real(layout.ranks));
    add("program", layout.gpus ? kGpuProgram : kCpuProgram);
    memory.capacity = hardware.memory;
    return memory;
}

}  // namespace r1
