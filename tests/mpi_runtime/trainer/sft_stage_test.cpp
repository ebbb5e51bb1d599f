// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "mpi_runtime/trainer/demonstrations.h"
#include "tests/mpi_runtime/trainer/plain_model.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::metric;
using test::TinyRun;

TEST(SftStage, LossAndGradientAreTheMeanOverAllCompletionTokens) {
    TinyRun run;
    const std::unique_ptr<Stage> stage = make_stage(run.session, 0);
    const auto source = make_demonstrations(run.session, 0);
    for (std::int64_t step = 0; step < 2; ++step) {
        test::PlainModel plain(stage->actor()->shape(), test::weights_of(*stage));
        std::vector<Demonstration> batch;
        double tokens = 0;
        for (std::int64_t i = 0; i < 16; ++i) {
            batch.push_back(source->at(step * 16 + i));
            tokens += static_cast<double>(batch.back().completion.size());
        }
        double loss = 0;
        for (const Demonstration& one : batch) {
            for (const double logprob : plain.logprobs(one.prompt, one.completion, 1))
                loss -= logprob / tokens;
            plain.add(one.prompt, one.completion,
                      std::vector<double>(one.completion.size(), -1 / tokens), 1);
        }
        EXPECT_NEAR(metric(stage->step(step), "sft/loss"), loss, 1e-5 * loss);
        test::expect_gradient(*stage, plain);
    }
}

TEST(SftStage, MicroBatchesChangeNeitherLossNorGradient) {
    TinyRun whole;
    TinyRun cut({"training.micro_batch_tokens=1"});
    const std::unique_ptr<Stage> expected = make_stage(whole.session, 0);
    const std::unique_ptr<Stage> stage = make_stage(cut.session, 0);
    const Metrics a = expected->step(0);
    const Metrics b = stage->step(0);
    for (const char* name : {"sft/loss", "actor/grad_norm"})
        EXPECT_NEAR(metric(b, name), metric(a, name), 1e-5 * metric(a, name)) << name;
}

TEST(SftStage, ImitationLowersTheLoss) {
    TinyRun run;
    const std::unique_ptr<Stage> stage = make_stage(run.session, 0);
    const double first = metric(stage->step(0), "sft/loss");
    double last = first;
    for (std::int64_t step = 1; step < 60; ++step) last = metric(stage->step(step), "sft/loss");
    EXPECT_NEAR(first, std::log(261), 0.3);  // a random model knows nothing of 261 tokens
    EXPECT_LT(last, first / 3);
}

TEST(SftStage, StageWithoutFromStartsAtRandomWeightsOfItsOwn) {
    TinyRun a;
    TinyRun b({"seed=6"});
    const std::vector<float> one = test::weights_of(*make_stage(a.session, 0));
    EXPECT_EQ(one, test::weights_of(*make_stage(a.session, 0)));
    EXPECT_NE(one, test::weights_of(*make_stage(b.session, 0)));
}

}  // namespace
}  // namespace r1
