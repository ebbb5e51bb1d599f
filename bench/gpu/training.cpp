// SPDX-License-Identifier: Apache-2.0
// One step of training at the 1.5B shape: forward, backward, clipping, AdamW.
#include <string>

#include "bench/gpu/memory_plan.h"
#include "bench/gpu/rig.h"
#include "bench/gpu/shapes.h"
#include "common/time.h"

namespace r1::bench {

namespace {

constexpr double kWantedShare = 0.5;  // of the measured matrix rate

struct Work {
    ModelShape shape;
    std::int32_t sequences = 4;
    std::int32_t rows = 4096;
    int steps = 5;  // after two that are not counted
    double tokens() const { return static_cast<double>(sequences) * rows; }
};

Work work_of(const Options& options) {
    if (options.tiny) return {tiny(), 2, 8, 1};
    return {qwen2_1_5b(), 4, 4096, options.once ? 1 : 5};
}

std::unique_ptr<Rig> make_rig(const Options& options, const Work& work, bool recompute) {
    ActorOptions actor;
    actor.recompute = recompute;
    auto rig = std::make_unique<Rig>(work.shape, make_device<Bf16>(options), actor);
    rig->actor().set_parameters(quick_parameters(work.shape));
    return rig;
}

void print_memory(const Options& options, const Work& work, bool recompute,
                  const std::string& name) {
    const double taken = taken_memory(options);
    const double foreseen = planned_memory(work.shape, work.sequences, work.rows, recompute);
    if (taken > 0)
        print_figure({name + ".memory", taken, "B", "r1ctl plan's prediction", foreseen, 0});
}

void measure(const Options& options, const Limits& limits, const Work& work, bool recompute) {
    const auto rig = make_rig(options, work, recompute);
    const std::vector<PackedBatch> batches{random_batch(work.shape, work.sequences, work.rows)};
    const OptimizerSection optimizer = adamw_settings();
    // The first step makes room, the second settles the clocks.
    for (int step = 0; step < 2; ++step) rig->train(batches, optimizer, 1e-5);
    std::vector<double> seconds;
    for (int step = 0; step < work.steps; ++step) {
        rig->device().finish();
        const double begin = monotonic_seconds();
        rig->train(batches, optimizer, 1e-5);
        rig->device().finish();
        seconds.push_back(monotonic_seconds() - begin);
    }
    const double step = median(seconds);
    const std::string name = recompute ? "training.recompute" : "training";
    const double flops = training_flops(work.shape, work.sequences, work.rows);
    print_figure({name + ".tokens", work.tokens() / step, "tokens/s", "", 0, 0});
    print_figure({name + ".flops", flops / step, "FLOP/s", "measured matrix rate",
                  limits.matrix_rate, recompute ? 0 : kWantedShare});
    print_memory(options, work, recompute, name);
}

}  // namespace

void training(const Options& options) {
    const Work work = work_of(options);
    if (options.once) {
        const auto rig = make_rig(options, work, false);
        const std::vector<PackedBatch> batches{random_batch(work.shape, work.sequences, work.rows)};
        for (int step = 0; step < 3; ++step) rig->train(batches, adamw_settings(), 1e-5);
        rig->device().finish();
        return;
    }
    const Limits limits = limits_of(options, *make_device<Bf16>(options));
    measure(options, limits, work, false);
    measure(options, limits, work, true);
}

}  // namespace r1::bench
