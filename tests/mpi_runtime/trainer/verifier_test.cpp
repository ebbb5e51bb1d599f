// SPDX-License-Identifier: Apache-2.0
// What a stage asks of its task, and what it does when the verifier fails.
#include <gtest/gtest.h>

#include <cmath>

#include "common/error.h"
#include "mpi_runtime/trainer/advantage.h"
#include "mpi_runtime/trainer/evaluation.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::metric;
using test::TinyGrpo;

/// A task that counts what is asked of it, and whose verifier fails on every n-th answer.
class FailingTask final : public Task {
  public:
    FailingTask(std::unique_ptr<Task> task, int every) : task_(std::move(task)), every_(every) {}
    Prompt prompt(Split split, std::uint32_t index) const override {
        (split == Split::kTrain ? train : held_out) += 1;
        return task_->prompt(split, index);
    }
    std::string demonstration(const Prompt& prompt, std::uint32_t index) const override {
        return task_->demonstration(prompt, index);
    }
    Verdict verify(const Prompt& prompt, std::string_view answer) const override {
        if (every_ > 0 && ++verified_ % every_ == 0) throw Error(ExitCode::kRunFailed, "broken");
        return task_->verify(prompt, answer);
    }
    std::int32_t longest_prompt() const override { return task_->longest_prompt(); }
    mutable int train = 0;
    mutable int held_out = 0;

  private:
    std::unique_ptr<Task> task_;
    int every_;
    mutable int verified_ = 0;
};

FailingTask& fail_every(TinyGrpo& rl, int every) {
    Session& session = rl.run.session;
    auto task = std::make_unique<FailingTask>(std::move(session.task), every);
    FailingTask& borrowed = *task;
    session.task = std::move(task);
    return borrowed;
}

TEST(VerifierError, ItsSampleIsInNoAdvantageAndInNoLoss) {
    TinyGrpo rl({".inner_epochs=2", ".prompts_per_step=8", ".advantage=dr-grpo",
                 ".sampling.max_new_tokens=14"});
    fail_every(rl, 3);
    const Metrics metrics = rl.stage->step(0);
    const std::vector<Sample> samples = unpack_samples(test::packed_rollout(rl.run, *rl.stage));
    double errors = 0;
    double tokens = 0;
    double sum = 0;
    for (std::size_t first = 0; first < samples.size(); first += 4) {
        std::vector<double> judged;
        for (std::size_t i = first; i < first + 4; ++i)
            if (!samples[i].verifier_error) judged.push_back(samples[i].reward);
        const std::vector<double> expected = group_advantages(judged, AdvantageKind::kDrGrpo);
        std::size_t next = 0;
        for (std::size_t i = first; i < first + 4; ++i) {
            if (samples[i].verifier_error) {
                EXPECT_EQ(samples[i].advantage, 0);
                errors += 1;
                continue;
            }
            EXPECT_EQ(samples[i].advantage, expected[next++]);
            const auto length = static_cast<double>(samples[i].tokens.size());
            tokens += length;
            sum -= length * samples[i].advantage;
        }
    }
    EXPECT_GT(errors, 2);
    EXPECT_EQ(metric(metrics, "reward/verifier_errors"), errors);
    EXPECT_NE(sum, 0);
    EXPECT_NEAR(metric(metrics, "actor/pg_loss"), sum / tokens, 1e-12);
}

TEST(VerifierError, RolloutWithoutAVerdictTeachesNothing) {
    // Outputs without an answer are wrong without asking; they all have reward 0.
    TinyGrpo rl({"rewards.format=0"});
    fail_every(rl, 1);
    const std::vector<float> start = test::weights_of(*rl.stage);
    const Metrics metrics = rl.stage->step(0);
    EXPECT_GT(metric(metrics, "reward/verifier_errors"), 8);
    EXPECT_EQ(metric(metrics, "actor/grad_norm"), 0);
    EXPECT_EQ(test::weights_of(*rl.stage), start);
}

TEST(VerifierError, EvaluationCountsThem) {
    TinyGrpo rl;
    fail_every(rl, 1);
    Session& session = rl.run.session;
    const EvaluationResult result =
        evaluate(session, *rl.stage->actor(), session.recipe.evaluation);
    EXPECT_GT(result.verifier_errors, 10);
    EXPECT_LE(result.verifier_errors, 20);
    EXPECT_EQ(result.pass_at_1, 0);
}

TEST(TaskUse, TrainingAsksForTrainingPromptsAndEvaluationForHeldOutOnes) {
    TinyGrpo rl;
    const FailingTask& task = fail_every(rl, 0);
    rl.stage->step(0);
    EXPECT_EQ(task.train, 4);
    EXPECT_EQ(task.held_out, 0);
    Session& session = rl.run.session;
    const EvaluationResult result =
        evaluate(session, *rl.stage->actor(), session.recipe.evaluation);
    EXPECT_EQ(task.train, 4);
    EXPECT_EQ(task.held_out, 5);
    EXPECT_EQ(result.prompts, 5);
    EXPECT_EQ(result.samples, 4);
    EXPECT_EQ(result.verifier_errors, 0);
    EXPECT_GT(result.format, 0.5);
    EXPECT_DOUBLE_EQ(result.response_length, static_cast<double>(result.tokens) / 20);
}

}  // namespace
}  // namespace r1
