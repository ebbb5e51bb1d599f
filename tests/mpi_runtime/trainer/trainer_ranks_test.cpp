// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun. Every rank first trains alone, in a folder of its own, and then with the
// others: what is sampled must be the same, and what is learnt the same but for rounding.
#include <gtest/gtest.h>

#include <cmath>

#include "mpi_runtime/trainer/evaluation.h"
#include "tests/mpi_runtime/ranks_main.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::world;

void expect_close(const Metrics& actual, const Metrics& expected) {
    for (const char* name :
         {"sft/loss", "actor/pg_loss", "actor/kl_loss", "actor/grad_norm", "actor/entropy",
          "actor/ppo_kl", "actor/pg_clipfrac", "training/rollout_probs_diff_max"}) {
        for (const auto& [key, value] : expected) {
            if (key != name) continue;
            const double tolerance = 1e-5 * std::abs(value) + 1e-8;
            EXPECT_NEAR(test::metric(actual, key), value, tolerance) << key;
        }
    }
}

/// The ranks' copies of the weights must have the same bits at all times.
void expect_equal_on_every_rank(Stage& stage) {
    const std::vector<float> weights = test::weights_of(stage);
    const std::string_view bytes(reinterpret_cast<const char*>(weights.data()),
                                 weights.size() * sizeof(float));
    for (const std::string& other : world->all_gather(bytes)) EXPECT_TRUE(other == bytes);
}

/// Stage rl alone and together, on the same start.
struct Pair {
    explicit Pair(const std::vector<std::string>& overrides)
        : alone(overrides), together(overrides, world) {
        for (test::TinyRun* run : {&alone, &together}) run->take_start(test::started_run());
        alone_stage = make_stage(alone.session, 1);
        stage = make_stage(together.session, 1);
    }
    test::TinyRun alone, together;
    std::unique_ptr<Stage> alone_stage, stage;
};

/// The leader saves it for all.
void expect_same_rollout(Pair& pair) {
    const std::string together = test::packed_rollout(pair.together, *pair.stage);
    if (world->rank() != 0) return;
    EXPECT_TRUE(together == test::packed_rollout(pair.alone, *pair.alone_stage));
}

TEST(TrainerRanks, SftHasTheLossAndGradientOfOneRank) {
    test::TinyRun alone;
    test::TinyRun together({}, world);
    const std::unique_ptr<Stage> expected = make_stage(alone.session, 0);
    const std::unique_ptr<Stage> stage = make_stage(together.session, 0);
    for (std::int64_t step = 0; step < 3; ++step)
        expect_close(stage->step(step), expected->step(step));
    expect_equal_on_every_rank(*stage);
}

TEST(TrainerRanks, GrpoHasTheSamplesLossAndGradientOfOneRank) {
    // Two epochs of two mini-batches, with outputs of very unequal lengths and some of them masked.
    for (const char* aggregation : {"token-mean", "seq-mean-token-mean"}) {
        Pair pair({"stages.rl.rollout_size=32", "stages.rl.inner_epochs=2",
                   "stages.rl.kl_coefficient=0.05", "stages.rl.mask_truncated=true",
                   "stages.rl.sampling.max_new_tokens=14", "stages.rl.shuffle_rewards=true",
                   std::string("stages.rl.aggregation=") + aggregation});
        for (std::int64_t step = 0; step < 4; ++step) {
            const Metrics expected = pair.alone_stage->step(step);
            const Metrics metrics = pair.stage->step(step);
            EXPECT_GT(test::metric(expected, "actor/grad_norm"), 0);
            expect_close(metrics, expected);
            expect_same_rollout(pair);
            expect_equal_on_every_rank(*pair.stage);
        }
    }
}

TEST(TrainerRanks, SamplesAreThoseOfOneRankInEveryRollout) {
    // At learning rate 0 the weights stay the same, so that later rollouts can be compared too. The
    // 15 outputs of a rollout split within a group on 2 and on 4 ranks.
    Pair pair({"stages.rl.prompts_per_step=3", "stages.rl.group_size=5", "stages.rl.inner_epochs=2",
               "stages.rl.optimizer.learning_rate=0"});
    for (std::int64_t step = 0; step < 6; ++step) {
        const Metrics metrics = pair.stage->step(step);
        pair.alone_stage->step(step);
        expect_same_rollout(pair);
        EXPECT_EQ(test::metric(metrics, "actor/ppo_kl"), 0);
    }
}

TEST(TrainerRanks, EvaluationIsThatOfOneRankExactly) {
    Pair pair({});
    const Session& session = pair.alone.session;
    const EvaluationResult expected =
        evaluate(pair.alone.session, *pair.alone_stage->actor(), session.recipe.evaluation);
    const EvaluationResult result =
        evaluate(pair.together.session, *pair.stage->actor(), session.recipe.evaluation);
    EXPECT_EQ(result.pass_at_1, expected.pass_at_1);
    EXPECT_EQ(result.pass_at_1_low, expected.pass_at_1_low);
    EXPECT_EQ(result.pass_at_k, expected.pass_at_k);
    EXPECT_EQ(result.format, expected.format);
    EXPECT_EQ(result.truncated, expected.truncated);
    EXPECT_EQ(result.tokens, expected.tokens);
    EXPECT_GT(result.tokens, 0);
}

TEST(TrainerRanks, AcceptedSamplesAreThoseOfOneRank) {
    Pair pair({});
    const std::unique_ptr<Stage> expected = make_stage(pair.alone.session, 2);
    const std::unique_ptr<Stage> stage = make_stage(pair.together.session, 2);
    for (std::int64_t step = 0; step < 3; ++step)
        EXPECT_EQ(test::metric(stage->step(step), "sample/accepted"),
                  test::metric(expected->step(step), "sample/accepted"));
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
