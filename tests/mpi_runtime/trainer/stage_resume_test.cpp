// SPDX-License-Identifier: Apache-2.0
// Interrupted equals uninterrupted: weights, metrics and files, bit for bit.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "tests/common/message_of.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::TinyGrpo;
using test::TinyRun;
using test::weights_of;

/// What steps [first, last) of a stage leave behind.
struct Trace {
    void follow(Stage& stage, std::int64_t first, std::int64_t last) {
        for (std::int64_t step = first; step < last; ++step)
            metrics.push_back(test::without_times(stage.step(step)));
        if (stage.actor() != nullptr) weights = weights_of(stage);
    }
    friend bool operator==(const Trace&, const Trace&) = default;
    std::vector<Metrics> metrics;
    std::vector<float> weights;
};

/// Runs `steps` steps of a stage, with a save, a new stage and a restore after `stop` of them.
Trace interrupted(TinyRun& run, std::size_t index, std::int64_t stop, std::int64_t steps) {
    Trace trace;
    std::unique_ptr<Stage> stage = make_stage(run.session, index);
    trace.follow(*stage, 0, stop);
    const std::int64_t saved_as = 1000 + stop;
    const SavedState saved = test::save_and_open(run, *stage, saved_as);
    stage = make_stage(run.session, index);
    stage->restore(saved);
    trace.follow(*stage, stop, steps);
    return trace;
}

const std::vector<std::string> kFourUpdates{
    "stages.rl.rollout_size=32", "stages.rl.inner_epochs=2", "stages.rl.kl_coefficient=0.05",
    "stages.rl.reference_every=3", "stages.rl.optimizer.weight_decay=0.01"};

TEST(StageResume, GrpoGoesOnBitForBitWithinAndBetweenRollouts) {
    // Rollouts begin at 0, 4 and 8; the reference is replaced at 4 and 8.
    TinyRun run(kFourUpdates);
    run.take_start(test::started_run());
    Trace expected;
    expected.follow(*make_stage(run.session, 1), 0, 10);
    EXPECT_NE(test::metric(expected.metrics[9], "actor/kl_loss"), 0);
    for (const std::int64_t stop : {1, 3, 4, 6, 9})
        EXPECT_TRUE(interrupted(run, 1, stop, 10) == expected) << "stopped after " << stop;
}

TEST(StageResume, GrpoKnowsWhenItsReferenceWasReplaced) {
    // Rollouts begin at 0, 2, 4, 6 and 8. The reference is due at 5, replaced at 6, and not at 8.
    TinyRun run({"stages.rl.rollout_size=32", "stages.rl.kl_coefficient=0.05",
                 "stages.rl.reference_every=5", "stages.rl.shuffle_rewards=true"});
    run.take_start(test::started_run());
    Trace expected;
    expected.follow(*make_stage(run.session, 1), 0, 10);
    EXPECT_EQ(test::metric(expected.metrics[6], "actor/kl_loss"), 0);
    EXPECT_NE(test::metric(expected.metrics[8], "actor/kl_loss"), 0);
    for (const std::int64_t stop : {5, 7, 8})
        EXPECT_TRUE(interrupted(run, 1, stop, 10) == expected) << "stopped after " << stop;
}

TEST(StageResume, SftGoesOnBitForBit) {
    TinyRun run;
    Trace expected;
    expected.follow(*make_stage(run.session, 0), 0, 8);
    for (const std::int64_t stop : {1, 5})
        EXPECT_TRUE(interrupted(run, 0, stop, 8) == expected) << "stopped after " << stop;
}

TEST(StageResume, SftOnAFileGoesOnInTheMiddleOfAPass) {
    const TemporaryFolder folder;
    const std::string file = (folder / "data.jsonl").string();
    std::ofstream out(file);
    for (int i = 0; i < 21; ++i)
        out << R"({"prompt":")" << i << R"(=","completion":"<answer>)" << i * i << "</answer>\"}\n";
    out.close();
    TinyRun run({"stages.sft.data=" + file, "stages.sft.batch_size=5"});
    Trace expected;
    expected.follow(*make_stage(run.session, 0), 0, 9);
    for (const std::int64_t stop : {2, 6})
        EXPECT_TRUE(interrupted(run, 0, stop, 9) == expected) << "stopped after " << stop;
}

TEST(StageResume, SampleStageWritesTheSameFile) {
    TinyRun run;
    run.take_start(test::started_run());
    const std::filesystem::path file = run.session.run.samples_of("pick");
    Trace expected;
    expected.follow(*make_stage(run.session, 2), 0, 6);
    const std::string text = read_file(file);
    EXPECT_GT(std::count(text.begin(), text.end(), '\n'), 2) << "nothing was accepted";

    std::unique_ptr<Stage> stage = make_stage(run.session, 2);
    Trace trace;
    trace.follow(*stage, 0, 3);
    const SavedState saved = test::save_and_open(run, *stage, 1003);
    // A step that was done but not saved, and a line torn by the kill.
    stage->step(3);
    std::ofstream(file, std::ios::app) << R"({"prompt":"rev)";
    stage = make_stage(run.session, 2);
    stage->restore(saved);
    trace.follow(*stage, 3, 6);
    EXPECT_TRUE(trace == expected);
    EXPECT_EQ(read_file(file), text);
}

TEST(StageResume, AcceptedSamplesAreRightAndTrainAnSftStage) {
    TinyRun run({"stages.pick.keep_per_prompt=1"});
    run.take_start(test::started_run());
    Trace trace;
    trace.follow(*make_stage(run.session, 2), 0, 6);
    std::uint64_t offset = 0;
    std::map<std::uint32_t, int> kept;
    for (const Json& line : read_json_lines(run.session.run.samples_of("pick"), offset)) {
        const Prompt prompt =
            run.session.task->prompt(Split::kTrain, line.at("prompt_index").get<std::uint32_t>());
        EXPECT_EQ(line.at("prompt"), prompt.text);
        EXPECT_LE(++kept[line.at("prompt_index").get<std::uint32_t>()], 1);
        const auto completion = line.at("completion").get<std::string>();
        const std::size_t at = completion.find("<answer>") + 8;
        const std::string answer = completion.substr(at, completion.rfind("</answer>") - at);
        EXPECT_EQ(run.session.task->verify(prompt, answer), Verdict::kCorrect) << completion;
    }
    run.session.recipe.stages[0].data = "stage:pick";
    EXPECT_GT(test::metric(make_stage(run.session, 0)->step(0), "sft/loss"), 0);
}

TEST(StageResume, SampleFileShorterThanItsCheckpointIsRefused) {
    TinyRun run;
    run.take_start(test::started_run());
    const std::unique_ptr<Stage> stage = make_stage(run.session, 2);
    for (std::int64_t step = 0; step < 6; ++step) stage->step(step);
    const SavedState saved = test::save_and_open(run, *stage, 1006);
    const std::filesystem::path file = run.session.run.samples_of("pick");
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    EXPECT_NE(message_of([&] { stage->restore(saved); }).find("was changed from outside"),
              std::string::npos);
}

/// A checkpoint in the middle of a rollout, with the rollout replaced; absent when empty.
SavedState with_rollout(TinyGrpo& rl, std::string bytes) {
    Snapshot snapshot(rl.run.session.comm);
    save_policy(snapshot, *rl.stage->actor());
    if (!bytes.empty()) snapshot.add_bytes("rollout/samples", std::move(bytes));
    return test::save_and_open(rl.run.session.comm, rl.run.session.run.checkpoints(), 1001,
                               snapshot);
}

TEST(StageResume, RolloutThatTheStageCannotHaveMadeIsRefused) {
    TinyGrpo rl({".inner_epochs=2"});
    rl.stage->step(0);
    const std::vector<Sample> good = unpack_samples(test::packed_rollout(rl.run, *rl.stage));
    std::vector<std::vector<Sample>> bad(6, good);
    bad[0][3].logprobs.pop_back();
    bad[1][3].tokens[0] = 261;  // the vocabulary has 0 … 260
    bad[2][3].prompt[0] = -1;
    bad[3][3].tokens.clear();
    bad[3][3].logprobs.clear();
    bad[4][3].prompt.assign(64, 1);
    bad[5][3].reference_logprobs = bad[5][3].logprobs;
    for (std::size_t i = 0; i < bad.size(); ++i) {
        const SavedState saved = with_rollout(rl, pack_samples(bad[i]));
        EXPECT_NE(message_of([&] { rl.stage->restore(saved); }).find("cannot have made"),
                  std::string::npos)
            << "case " << i;
    }
    rl.stage->restore(with_rollout(rl, pack_samples(good)));
    rl.stage->step(1);
}

TEST(StageResume, MissingRolloutIsRefusedBeforeItIsUsed) {
    for (const bool short_one : {false, true}) {
        TinyGrpo rl({".inner_epochs=2"});
        rl.stage->step(0);
        std::vector<Sample> samples = unpack_samples(test::packed_rollout(rl.run, *rl.stage));
        samples.pop_back();
        const SavedState saved = with_rollout(rl, short_one ? pack_samples(samples) : "");
        const std::unique_ptr<Stage> fresh = make_stage(rl.run.session, 1);
        fresh->restore(saved);
        EXPECT_NE(message_of([&] { fresh->step(1); }).find("lacks the rollout"), std::string::npos);
    }
}

}  // namespace
}  // namespace r1
