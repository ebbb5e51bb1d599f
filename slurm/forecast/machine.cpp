// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/machine.h"

#include <algorithm>
#include <cmath>

#include "slurm/forecast/memory.h"

namespace r1 {

namespace {

constexpr double kFloat = 4;
constexpr double kPrefillRows = 2048;  // of one prefill pass (mpi_runtime/rollout/rollout_engine)
// Tensor cores multiply single precision (TF32) at half the rate of bf16.
constexpr double kWideRate = 0.5;

// A value that is handled one by one takes a core as long as so many flops of a matrix product:
// seen of this trainer, over models of width 48 to 192. On a GPU the efficiencies hold it.
constexpr double kCoreFlopsOfValue = 80;

double real(std::int64_t value) {
    return static_cast<double>(value);
}

}  // namespace

Machine::Machine(const Recipe& recipe, const StageSection& stage, const Layout& layout,
                 const Hardware& hardware, const Efficiencies& efficiencies)
    : recipe_(recipe),
      stage_(stage),
      model_(recipe.model_of(stage)),
      layout_(layout),
      efficiencies_(efficiencies),
      hardware_(hardware),
      split_(split_of(recipe.parallel, layout)),
      count_(count_parameters(model_, vocabulary_of(model_))),
      token_(token_cost(model_, vocabulary_of(model_))),
      bytes_(value_bytes(recipe.training, layout.gpus)),
      layers_(real(model_.num_hidden_layers)) {
    if (!layout.gpus) token_.flops += kCoreFlopsOfValue * token_.handled_values;
    hardware_.node_bandwidth *= efficiencies.network;
    hardware_.network_bandwidth *= efficiencies.network;
}

double Machine::flops() const {
    if (!layout_.gpus) return hardware_.flops * real(layout_.threads_per_rank);
    return hardware_.flops * (bytes_ < kFloat ? 1 : kWideRate);
}

/// Bytes of the weights that `rows` tokens of one device make it read: of the experts, those that
/// a token of its expert-parallel ranks is sent to.
double Machine::weight_bytes(double rows) const {
    const double common = (count_.total - count_.experts - count_.embedding) / split_.shares();
    if (count_.experts == 0) return common * bytes_;
    const double share = real(model_.num_experts_per_tok) / real(model_.n_routed_experts);
    const double touched = 1 - std::pow(1 - share, rows * split_.expert);
    return (common + count_.experts / split_.shares() / split_.expert * touched) * bytes_;
}

/// Seconds of one direction's messages between the ranks of a replica, and to its experts.
double Machine::messages(double rows) const {
    const double row_bytes = rows * real(model_.hidden_size) * bytes_;
    const double own_layers = layers_ / split_.pipeline;
    // Two all-reduces a block (Shoeybi et al. 2019), each a reduce-scatter and an all-gather.
    double seconds = own_layers * 4 * ring_seconds(row_bytes, split_.tensor, 1, layout_, hardware_);
    if (split_.pipeline > 1)
        seconds += row_bytes /
                   (layout_.nodes > 1 ? hardware_.network_bandwidth : hardware_.node_bandwidth);
    if (split_.expert > 1) {
        // To the experts and back. Within a node a token goes on over the node's own links, so that
        // no node is sent more than one copy.
        const double per_node = real(layout_.ranks) / real(layout_.nodes);
        const double ranks = split_.expert * split_.shares();
        const double nodes = std::max(1.0, ranks / per_node);
        const double copies = std::min(real(model_.num_experts_per_tok), nodes);
        const double sparse =
            own_layers * std::max(0.0, layers_ - real(model_.first_k_dense_replace)) / layers_;
        const double away = ring_seconds(
            row_bytes * (nodes > 1 ? copies : split_.expert), nodes > 1 ? nodes : split_.expert,
            nodes > 1 ? per_node : split_.shares(), layout_, hardware_);
        seconds += sparse * 2 * away / split_.tensor;
    }
    return seconds;
}

/// Seconds in which a device gathers the weights that ZeRO 3 shares, once.
double Machine::gathers() const {
    if (recipe_.parallel.zero < 3) return 0;
    const double common = (count_.total - count_.experts) / split_.shares() * bytes_;
    const double experts = count_.experts / split_.shares() / split_.expert * bytes_;
    return ring_seconds(common, split_.replicas, split_.shares(), layout_, hardware_) +
           ring_seconds(experts, split_.replicas / split_.expert, split_.shares() * split_.expert,
                        layout_, hardware_);
}

PhaseTime Machine::forward(double rows, double context) const {
    const double work = rows * (token_.flops + context * token_.flops_per_context);
    const double passes = std::max(std::ceil(rows / kPrefillRows), 1.0);
    PhaseTime time;
    time.add({work / split_.shares() / (flops() * efficiencies_.prefill),
              passes * weight_bytes(kPrefillRows) / hardware_.memory_bandwidth,
              messages(rows) + passes * gathers()});
    time.add_overhead(passes * layers_ * efficiencies_.layer_seconds);
    return time;
}

PhaseTime Machine::training(double rows, double context) const {
    // The backward pass multiplies with each weight twice; recomputing adds a forward pass.
    const double passes = recipe_.training.recompute ? 4 : 3;
    const double batches =
        std::max(std::ceil(rows / real(recipe_.training.micro_batch_tokens)), 1.0);
    const double work = passes * rows * (token_.flops + context * token_.flops_per_context);
    // The first and the last micro-batch leave parts of a pipeline idle (Huang et al. 2019).
    const double filled = batches / (batches + split_.pipeline - 1);
    PhaseTime time;
    time.add({work / split_.shares() / filled / (flops() * efficiencies_.training),
              passes * batches * weight_bytes(rows / batches) / hardware_.memory_bandwidth,
              (passes - 1) * messages(rows) + 2 * batches * gathers()});
    time.add_overhead(passes * batches * layers_ * efficiencies_.layer_seconds);
    return time;
}

PhaseTime Machine::optimizer() const {
    // AdamW reads weights, gradients and two moments and writes all but the gradients; before, the
    // whole gradient is set to 0 and its norm is taken.
    constexpr double kPasses = 7;
    const double all = (count_.total - count_.experts) / split_.shares() +
                       count_.experts / split_.shares() / split_.expert;
    const double own = count_.total / split_.shares() / split_.replicas;
    PhaseTime time;
    time.add({0, (2 * all + kPasses * own) * kFloat / hardware_.memory_bandwidth, 0});
    return time;
}

PhaseTime Machine::exchange() const {
    const double common = (count_.total - count_.experts) / split_.shares();
    const double experts = count_.experts / split_.shares() / split_.expert;
    // Gradients go at full width, weights as the model computes with them; ZeRO 3 sends those when
    // they are used.
    const double width = kFloat + (recipe_.parallel.zero < 3 ? bytes_ : 0);
    PhaseTime time;
    time.add({0, 0,
              ring_seconds(common * width, split_.replicas, split_.shares(), layout_, hardware_) +
                  ring_seconds(experts * width, split_.replicas / split_.expert,
                               split_.shares() * split_.expert, layout_, hardware_)});
    return time;
}

PhaseTime Machine::decoding(double outputs, const Lengths& lengths) const {
    const double places = decoding_places(recipe_, stage_, lengths, outputs, layout_);
    const Decoding decoding = decoding_of(outputs, places, lengths, efficiencies_.longest_ratio);
    const double context = lengths.prompt + lengths.output / 2;
    const double rows = decoding.rows() / split_.pipeline;  // of a batch of one part
    const double work =
        decoding.tokens * (token_.flops + context * token_.decode_flops_per_context);
    const double tensor = model_.kv_lora_rank > 0 ? 1 : split_.tensor;
    const double cache =
        decoding.tokens * context * token_.cache_values * bytes_ / split_.pipeline / tensor;
    const double weights = decoding.iterations * split_.pipeline * weight_bytes(rows);
    const double speed = efficiencies_.decode;
    PhaseTime time;
    time.add({work / split_.shares() / (flops() * speed),
              (weights + cache) / (hardware_.memory_bandwidth * speed),
              messages(decoding.tokens) + decoding.iterations * gathers()});
    time.add_overhead(decoding.iterations * layers_ * efficiencies_.layer_seconds);
    return time;
}

PhaseTime Machine::rollout(double outputs, double prompts, const Lengths& lengths) const {
    PhaseTime time = forward(prompts * lengths.prompt, lengths.prompt / 2);
    time.add(decoding(outputs, lengths));
    return time;
}

double Machine::saved_bytes() const {
    // The weights, and AdamW's moments of the own part (12 bytes a parameter).
    constexpr double kSaved = 12;
    return count_.total * kSaved / real(layout_.ranks);
}

double copy_seconds(double bytes, bool gpus) {
    // From a device over PCIe; within a host's memory by one core.
    constexpr double kFromGpu = 20e9;
    constexpr double kOnHost = 1e9;
    return bytes / (gpus ? kFromGpu : kOnHost);
}

}  // namespace r1
