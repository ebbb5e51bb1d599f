// SPDX-License-Identifier: Apache-2.0
// Metrics are made with known efficiencies; the fit has to find them again.
#include "slurm/forecast/calibration.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/attempt.h"
#include "common/error.h"
#include "common/json.h"
#include "recipes/load.h"
#include "tests/common/temporary_folder.h"
#include "tests/slurm/forecast/forecast_fixture.h"

namespace r1 {
namespace {

const Layout kCpu{1, 1, 1, false};

const char* const kRecipe = R"(name: known
model: {hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 2,
  max_position_embeddings: 64}
evaluation: {max_new_tokens: 40}
stages:
  - {name: sft, kind: sft, steps: 20, batch_size: 16}
  - name: rl
    kind: grpo
    from: sft
    steps: 40
    prompts_per_step: 4
    group_size: 4
    kl_coefficient: 0.001
    sampling: {max_new_tokens: 40}
)";

Efficiencies truth() {
    Efficiencies known = assumed_efficiencies(kCpu);
    known.training = 0.31;
    known.prefill = 0.47;
    known.decode = 0.17;
    known.layer_seconds = 40e-6;
    known.step_seconds = 0.004;
    return known;
}

/// A run directory whose metrics are what the model foresees.
class KnownRun : public ::testing::Test {
  protected:
    KnownRun() : run_(folder_ / "known-20261122-000000-abcdef") {
        std::filesystem::create_directories(run_.root());
        std::ofstream(run_.recipe()) << kRecipe;
        recipe_ = load_recipe(run_.recipe());
        AttemptRecord attempt;
        attempt.number = 1;
        attempt.ranks = 1;
        attempt.threads_per_rank = 1;
        attempt.start_ms = 1'000'000;
        std::filesystem::create_directories(run_.attempt(1));
        write_attempt(run_, attempt);
    }

    double foreseen(Observation::Phase phase, std::size_t stage, const Lengths& lengths,
                    double longest) const {
        const Observation seen{phase, stage, lengths, longest, 0};
        return foreseen_seconds(recipe_, kCpu, cpu_core(), truth(), seen);
    }

    void write_metrics(double disturbed_every = 0) {
        std::ofstream out(run_.metrics());
        for (int step = 1; step <= 20; ++step) {
            const double length = 20 + step;
            const double work =
                foreseen(Observation::Phase::kUpdate, 0, {0, length, 64}, 0) + 0.004;
            Json line = {{"schema", 1},
                         {"step", step},
                         {"stage", "sft"},
                         {"stage_step", step},
                         {"perf/total_num_tokens", 16 * length},
                         {"timing_s/step", work},
                         {"time_ms", 1'000'000 + 500 + 1000 * work * step}};
            out << line.dump() << '\n';
        }
        for (int step = 1; step <= 40; ++step) {
            const Lengths lengths{8, 10 + step * 0.5, 40};
            const double longest = 1 + (step % 5) * 0.1;
            double rollout = foreseen(Observation::Phase::kRollout, 1, lengths, longest);
            if (disturbed_every > 0 && step % static_cast<int>(disturbed_every) == 0) rollout *= 3;
            const double reference = foreseen(Observation::Phase::kReference, 1, lengths, longest);
            const double update = foreseen(Observation::Phase::kUpdate, 1, lengths, longest);
            Json line = {{"schema", 1},
                         {"step", 20 + step},
                         {"stage", "rl"},
                         {"stage_step", step},
                         {"response_length/mean", lengths.output},
                         {"response_length/max", lengths.output * longest},
                         {"prompt_length/mean", 8},
                         {"timing_s/rollout", rollout},
                         {"timing_s/reference", reference},
                         {"timing_s/update", update},
                         {"timing_s/step", rollout + reference + update + 0.004}};
            out << line.dump() << '\n';
        }
    }

    TemporaryFolder folder_;
    RunDirectory run_;
    Recipe recipe_;
};

TEST_F(KnownRun, GivesItsEfficienciesBack) {
    write_metrics();
    const Calibration found = calibrate(run_);
    const Efficiencies known = truth();
    EXPECT_NEAR(found.efficiencies.training / known.training, 1, 1e-3);
    EXPECT_NEAR(found.efficiencies.prefill / known.prefill, 1, 1e-3);
    EXPECT_NEAR(found.efficiencies.decode / known.decode, 1, 1e-3);
    EXPECT_NEAR(found.efficiencies.layer_seconds / known.layer_seconds, 1, 1e-3);
    EXPECT_NEAR(found.efficiencies.step_seconds, 0.004, 1e-9);
    EXPECT_EQ(found.efficiencies.source, "calibrated from run known-20261122-000000-abcdef");
    EXPECT_EQ(found.hardware.name, "cpu");
}

TEST_F(KnownRun, GivesItsLengthsBack) {
    write_metrics();
    const Efficiencies found = calibrate(run_).efficiencies;
    EXPECT_NEAR(found.prompt_tokens, 8, 1e-9);
    EXPECT_NEAR(found.token_share, (10 + 20.5 * 0.5) / 40, 1e-9);
    EXPECT_NEAR(found.sequence_share, 30.5 / 64, 1e-9);
    EXPECT_NEAR(found.longest_ratio, 1.2, 1e-9);
    EXPECT_NEAR(found.start_seconds, 0.5, 1e-6);
}

TEST_F(KnownRun, AFewDisturbedStepsChangeLittle) {
    write_metrics(8);
    const Efficiencies found = calibrate(run_).efficiencies;
    EXPECT_NEAR(found.decode / truth().decode, 1, 0.05);
    EXPECT_NEAR(found.training / truth().training, 1, 0.05);
}

TEST_F(KnownRun, WithoutAStepItIsRefused) {
    std::ofstream(run_.metrics()) << "";
    try {
        calibrate(run_);
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(),
                     "run known-20261122-000000-abcdef has no finished step in metrics.jsonl to "
                     "calibrate from; take another run");
    }
}

TEST_F(KnownRun, DamagedLinesAreSkipped) {
    write_metrics();
    std::ofstream(run_.metrics(), std::ios::app)
        << R"({"stage":"rl","response_length/mean":"x"})"
        << "\n{\n"
        << R"({"stage":7,"timing_s/step":-1})" << '\n'
        << R"({"stage":"sft","timing_s/step":0,"perf/total_num_tokens":1e300})" << '\n'
        << R"({"stage":"rl","stage_step":1e300,"response_length/mean":1e300,)"
        << R"("prompt_length/mean":1e300,"timing_s/step":1,"timing_s/update":1})" << '\n';
    EXPECT_NEAR(calibrate(run_).efficiencies.training / truth().training, 1, 1e-3);
}

}  // namespace
}  // namespace r1
