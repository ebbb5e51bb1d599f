// SPDX-License-Identifier: Apache-2.0
// What goes wrong on a rank ends the job on all of them, soon, with one message that says which.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "common/file.h"
#include "common/host.h"
#include "common/time.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"
#include "tests/system/whole_run.h"

namespace r1 {
namespace {

int count(const std::string& text, const std::string& what) {
    int times = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
        ++times;
    return times;
}

/// One message of r1ctl, that names the rank, the host and the reason.
void expect_failure(const OneRun& one, const Transcript& transcript, int exit_code,
                    const std::string& reason) {
    EXPECT_EQ(transcript.end.exit_code, exit_code) << transcript.all();
    EXPECT_EQ(count(transcript.err, "r1ctl: rank "), 1) << transcript.err;
    EXPECT_NE(transcript.err.find(" on " + host_name() + " "), std::string::npos) << transcript.err;
    EXPECT_EQ(count(transcript.err, reason), 1) << transcript.err;
    expect_ended(one, 2);
    EXPECT_EQ(one.state(), "failed");
}

void flip_a_byte_of(const RunDirectory& run, std::int64_t step, const std::string& tensor) {
    const auto folder = run.checkpoints() / checkpoint_name(step);
    const TensorEntry entry = read_manifest(folder).tensor(tensor);
    const TensorPiece& piece = entry.pieces.at(0);
    std::fstream file(folder / piece.file, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(piece.offset + piece.bytes / 2);
    file.seekg(at);
    const char old = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(old ^ 1));
    ASSERT_TRUE(file.good());
}

TEST(Failure, GradientThatIsNotFiniteNamesTheUpdate) {
    OneRun one(
        with(small_recipe(), "learning_rate: 1e-2", "learning_rate: 100\n      weight_decay: 1"));
    const double begin = monotonic_seconds();
    const Transcript transcript = one.start();
    EXPECT_LT(monotonic_seconds() - begin, 15);
    expect_failure(one, transcript, 1, "is not finite; lower optimizer.learning_rate");
}

TEST(Failure, BadLineOfADataFileIsPointedAt) {
    OneRun one(with(small_recipe(), "batch_size: 128", "batch_size: 128\n    data: words.jsonl"));
    std::ofstream(one.path() / "words.jsonl") << R"({"prompt": "abc=", "completion": "cba"})"
                                              << "\n{\"prompt\": 3}\n";
    const Transcript transcript = one.start();
    expect_failure(one, transcript, 2, "words.jsonl:2: expected");
}

TEST(Failure, CrashOfOneRankNamesItAndItsSignal) {
    OneRun one(small_recipe());
    R1ctl command = one.begin();
    const RunDirectory run = one.run();
    ASSERT_TRUE(wait_until([&] { return newest_step(run) >= 3; }, 40));
    ::kill(pids_of(one.path(), "r1ctl-rank").back(), SIGSEGV);
    const Transcript transcript = command.wait();
    EXPECT_EQ(transcript.end.exit_code, 1) << transcript.all();
    EXPECT_NE(transcript.err.find(" was killed by signal 11 (Segmentation fault)"),
              std::string::npos)
        << transcript.err;
    expect_ended(one, 2);
}

TEST(Failure, WeightsThatALaterStageNeedsAreVerified) {
    const std::string recipe = small_recipe() + R"(
  - name: collect
    kind: sample
    from: rl
    steps: 40
    prompts_per_step: 8
    group_size: 2
    keep_per_prompt: 1
    sampling:
      max_new_tokens: 16
)";
    OneRun one(recipe);
    R1ctl command = one.begin();
    kill_at(one, command, once_checkpoint_exists(kAllSteps + 5), Victim::kAllRanks);
    if (HasFatalFailure()) return;
    flip_a_byte_of(one.run(), kAllSteps, "model/model.norm.weight");
    const Transcript transcript = one.resume();
    expect_failure(one, transcript, 5, "model/model.norm.weight");
}

TEST(Failure, CorruptNewestCheckpointIsPassedOverAndSaid) {
    OneRun untouched(long_recipe());
    ASSERT_TRUE(untouched.start().end.ok());
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    kill_at(one, command, once_checkpoint_exists(35), Victim::kAllRanks);
    if (HasFatalFailure()) return;
    const std::int64_t newest = list_checkpoints(one.run().checkpoints()).back();
    flip_a_byte_of(one.run(), newest, "adam/m/lm_head.weight");
    const Transcript transcript = one.resume();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
    const Transcript logs = r1ctl(one.path(), {"logs", one.run().run_id()});
    EXPECT_NE(logs.out.find("checkpoint " + checkpoint_name(newest) + " is not used: "),
              std::string::npos)
        << logs.out;
    EXPECT_NE(logs.out.find("adam/m/lm_head.weight"), std::string::npos) << logs.out;
    EXPECT_NE(logs.out.find("going on from the checkpoint of step "), std::string::npos);
    expect_same_results(untouched.run(), one.run());
}

TEST(Failure, CorruptEndOfAnEarlierStageIsNotNeededByResume) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    kill_at(one, command, once_checkpoint_exists(35), Victim::kAllRanks);
    if (HasFatalFailure()) return;
    flip_a_byte_of(one.run(), kSftSteps, "model/model.norm.weight");
    const Transcript transcript = one.resume();
    EXPECT_TRUE(transcript.end.ok()) << transcript.all();
}

TEST(Failure, CheckpointThatDoesNotFitAChangedRecipeIsRefused) {
    OneRun one(long_recipe());
    R1ctl command = one.begin();
    kill_at(one, command, once_checkpoint_exists(35), Victim::kAllRanks);
    if (HasFatalFailure()) return;
    const std::string frozen = read_file(one.run().recipe());
    std::ofstream(one.run().recipe()) << with(frozen, "steps: 30", "steps: 29");
    expect_failure(one, one.resume(), 5, "was the frozen recipe changed?");
}

}  // namespace
}  // namespace r1
