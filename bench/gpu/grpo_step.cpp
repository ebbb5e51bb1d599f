// SPDX-License-Identifier: Apache-2.0
// A whole step of GRPO at the 0.5B shape: rollout, reference, update. Rewards are made up: a
// verifier's time is not the device's.
#include <algorithm>
#include <string>

#include "bench/gpu/rig.h"
#include "bench/gpu/shapes.h"
#include "common/time.h"
#include "mpi_runtime/trainer/grpo_loss.h"

namespace r1::bench {

namespace {

struct Work {
    ModelShape shape;
    std::uint32_t prompts = 16;
    std::uint32_t group = 16;
    std::int32_t prompt_tokens = 128;
    std::int32_t new_tokens = 512;
    std::size_t micro_batch_rows = 16384;
    int steps = 3;  // after one that is not counted
};

Work work_of(const Options& options) {
    if (options.tiny) return {tiny(), 2, 2, 4, 4, 16, 1};
    return {qwen2_0_5b()};
}

std::vector<RolloutRequest> requests_of(const Work& work) {
    std::vector<RolloutRequest> requests;
    for (std::uint32_t i = 0; i < work.prompts; ++i)
        requests.push_back(
            {i, random_tokens(work.shape, static_cast<std::size_t>(work.prompt_tokens), i), 0,
             work.group});
    return requests;
}

/// Outputs in micro-batches, and what the loss knows of their tokens.
struct Packed {
    std::vector<PackedBatch> batches;
    std::vector<std::vector<GrpoToken>> tokens;  // by batch and loss row
};

Packed pack(const Work& work, const std::vector<RolloutRequest>& requests,
            const std::vector<Completion>& outputs) {
    double all = 0;
    for (const Completion& output : outputs) all += static_cast<double>(output.tokens.size());
    Packed packed;
    for (const Completion& output : outputs) {
        const std::vector<std::int32_t>& prompt = requests[output.prompt_index].prompt;
        const std::size_t rows = prompt.size() + output.tokens.size() - 1;
        if (packed.batches.empty() ||
            static_cast<std::size_t>(packed.batches.back().rows()) + rows > work.micro_batch_rows) {
            packed.batches.emplace_back();
            packed.tokens.emplace_back();
        }
        packed.batches.back().append(prompt, output.tokens);
        GrpoToken token;
        token.advantage = output.sample % 2 == 0 ? 1 : -1;
        token.weight = 1 / all;
        for (const float logprob : output.logprobs) {
            token.old_logprob = static_cast<double>(logprob);
            packed.tokens.back().push_back(token);
        }
    }
    return packed;
}

struct Seconds {
    double rollout = 0, reference = 0, update = 0;
    double all() const { return rollout + reference + update; }
};

class GrpoStep {
  public:
    GrpoStep(const Options& options, const Work& work)
        : work_(work),
          requests_(requests_of(work)),
          rig_(work.shape, make_device<Bf16>(options),
               {ZeroStage::kOptimizer,
                false,
                true,
                {static_cast<std::int32_t>(work.prompts * work.group), 64,
                 std::int64_t{32} << 30}}) {
        rig_.actor().set_parameters(quick_parameters(work.shape));
        rig_.actor().keep_reference();
    }

    Seconds run() {
        Seconds seconds;
        const double begin = monotonic_seconds();
        RolloutOptions rollout;
        rollout.max_new_tokens = work_.new_tokens;
        rollout.end_of_text = -2;  // no token: every output has the same length
        rollout.key = make_key(1, Purpose::kSample);
        rollout.step = step_++;
        Packed packed = pack(work_, requests_, rig_.actor().generate(requests_, rollout));
        rig_.device().finish();
        const double rolled = monotonic_seconds();
        add_reference(packed);
        rig_.device().finish();
        const double referred = monotonic_seconds();
        update(packed);
        rig_.device().finish();
        seconds.rollout = rolled - begin;
        seconds.reference = referred - rolled;
        seconds.update = monotonic_seconds() - referred;
        return seconds;
    }
    /// Of the last step: of the tokens, how far rollout and training disagree in probability.
    double probability_difference() const { return sums_.probability_difference / sums_.tokens; }

  private:
    void add_reference(Packed& packed) {
        const std::vector<double> logprobs = rig_.actor().reference_logprobs(packed.batches, 1.0);
        std::size_t at = 0;
        for (std::vector<GrpoToken>& tokens : packed.tokens)
            for (GrpoToken& token : tokens) token.reference_logprob = logprobs[at++];
    }
    void update(const Packed& packed) {
        Actor& actor = rig_.actor();
        rig_.device().zero(actor.gradients(), actor.layout().size() * sizeof(float));
        sums_ = {};
        for (std::size_t i = 0; i < packed.batches.size(); ++i) {
            GrpoLoss loss(packed.tokens[i], {}, 0.04, KlEstimator::kK3, sums_);
            actor.accumulate_gradient(actor.gradients(), packed.batches[i], 1.0, loss);
        }
        actor.update(adamw_settings(), 1e-6);
    }

    const Work& work_;
    std::vector<RolloutRequest> requests_;
    Rig rig_;
    std::uint32_t step_ = 0;
    GrpoSums sums_;
};

}  // namespace

void grpo_step(const Options& options) {
    const Work work = work_of(options);
    GrpoStep step(options, work);
    step.run();
    std::vector<Seconds> runs;
    for (int i = 0; i < work.steps; ++i) runs.push_back(step.run());
    std::ranges::sort(runs, {}, &Seconds::all);
    const Seconds middle = runs[runs.size() / 2];
    print_figure({"grpo_step", middle.all(), "s", "", 0, 0});
    print_figure({"grpo_step.rollout", middle.rollout, "s", "the whole step", middle.all(), 0});
    print_figure({"grpo_step.reference", middle.reference, "s", "the whole step", middle.all(), 0});
    print_figure({"grpo_step.update", middle.update, "s", "the whole step", middle.all(), 0});
    print_figure({"grpo_step.probability_difference", step.probability_difference(), "", "", 0, 0});
}

}  // namespace r1::bench
