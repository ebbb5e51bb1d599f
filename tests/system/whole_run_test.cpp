// SPDX-License-Identifier: Apache-2.0
// One run from nothing to a bill, and every command that looks at it afterwards.
#include "tests/system/whole_run.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint/attempt.h"
#include "checkpoint/checkpoint.h"
#include "common/file.h"
#include "common/subprocess.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"

namespace r1 {
namespace {

class WholeRun : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        one = std::make_unique<OneRun>(
            with(small_recipe(), "ranks: 2", "ranks: 2\n  threads_per_rank: 1"));
        transcript = one->start();
    }
    static void TearDownTestSuite() { one.reset(); }
    void SetUp() override { ASSERT_TRUE(transcript.end.ok()) << transcript.all(); }

    static std::string id() { return one->run().run_id(); }
    static Json json_of(std::vector<std::string> arguments) {
        arguments.emplace_back("--json");
        const Transcript answer = r1ctl(one->path(), std::move(arguments));
        EXPECT_TRUE(answer.end.ok()) << answer.all();
        return Json::parse(answer.out);
    }

    static std::unique_ptr<OneRun> one;
    static Transcript transcript;
};
std::unique_ptr<OneRun> WholeRun::one;
Transcript WholeRun::transcript;

TEST_F(WholeRun, SummaryIsCompleteAndAgreesWithTheAttempt) {
    const auto summary = read_record(one->run().summary(), 1);
    const auto attempt = read_attempt(one->run(), 1);
    ASSERT_TRUE(summary && attempt && attempt->end_ms);
    EXPECT_EQ(summary->at("run_id"), id());
    EXPECT_EQ(summary->at("state"), "completed");
    EXPECT_EQ(summary->at("step"), kAllSteps);
    EXPECT_EQ(summary->at("total_steps"), kAllSteps);
    EXPECT_EQ(summary->at("attempts"), 1);
    EXPECT_EQ(summary->at("newest_checkpoint"), checkpoint_name(kAllSteps));
    const Json& usage = summary->at("usage");
    const std::int64_t wall = *attempt->end_ms - attempt->start_ms;
    EXPECT_GT(wall, 0);
    EXPECT_EQ(usage.at("wall_ms"), wall);
    EXPECT_EQ(usage.at("core_ms"), 2 * 1 * wall);
    EXPECT_EQ(usage.at("gpu_ms"), 0);
    EXPECT_EQ(usage.at("provisional"), false);
    EXPECT_TRUE(usage.at("cost").is_null()) << "a price that nobody named";

    std::vector<std::string> evaluated;
    for (const Json& evaluation : summary->at("evaluations")) {
        evaluated.push_back(evaluation.at("when").get<std::string>() + " " +
                            std::to_string(evaluation.at("step").get<int>()));
        EXPECT_EQ(evaluation.at("prompts"), 10);
        EXPECT_EQ(evaluation.at("samples"), 2);
    }
    EXPECT_EQ(evaluated, (std::vector<std::string>{"start 0", "stage 30", "stage 42"}));
}

TEST_F(WholeRun, MetricsHaveOneLineAStepWithTheDocumentedNames) {
    const std::set<std::string> common = {"schema",
                                          "attempt",
                                          "step",
                                          "total_steps",
                                          "stage",
                                          "kind",
                                          "stage_step",
                                          "stage_steps",
                                          "actor/grad_norm",
                                          "actor/lr",
                                          "perf/time_per_step",
                                          "perf/total_num_tokens",
                                          "perf/throughput",
                                          "timing_s/step",
                                          "time_ms"};
    const std::set<std::string> grpo = {
        "critic/rewards/mean",   "reward/accuracy/mean",   "reward/format/mean",
        "reward/zero_std_share", "reward/verifier_errors", "response_length/mean",
        "response_length/max",   "response_length/min",    "response_length/clip_ratio",
        "prompt_length/mean",    "actor/pg_loss",          "actor/kl_loss",
        "actor/ppo_kl",          "actor/pg_clipfrac",      "actor/entropy"};
    int step = 0;
    for (const Json& line : json_lines(one->run().metrics())) {
        EXPECT_EQ(line.at("step"), ++step);
        EXPECT_EQ(line.at("total_steps"), kAllSteps);
        const bool sft = step <= kSftSteps;
        EXPECT_EQ(line.at("kind"), sft ? "sft" : "grpo");
        EXPECT_EQ(line.at("stage_step"), sft ? step : step - kSftSteps);
        EXPECT_EQ(line.contains("sft/loss"), sft);
        for (const std::string& name : common) EXPECT_TRUE(line.contains(name)) << name;
        for (const std::string& name : grpo) EXPECT_EQ(line.contains(name), !sft) << name;
    }
    EXPECT_EQ(step, kAllSteps);
}

TEST_F(WholeRun, ReportOnStdoutEndsWithTheBillAndTheNextCommand) {
    for (const char* expected : {"state: completed at step 42 of 42", "before training",
                                 "after sft", "after rl", "step-00000042", "usage: 1 attempt, ",
                                 " core-hours (", "% useful, ", ", unpriced\n", "next: r1ctl eval"})
        EXPECT_NE(transcript.out.find(expected), std::string::npos) << expected << transcript.out;
    const std::size_t at = transcript.out.find("usage: ");
    const std::string bill = transcript.out.substr(at, transcript.out.find('\n', at) + 1 - at);
    EXPECT_TRUE(read_file(one->run().attempt_log(1)).ends_with(bill)) << bill;
}

TEST_F(WholeRun, AnotherProgramReadsTheTensorsUnderTheirHuggingFaceNames) {
    const auto folder = one->run().checkpoints() / checkpoint_name(kAllSteps);
    const Manifest manifest = read_manifest(folder);
    const std::string name = "model/model.layers.0.self_attn.q_proj.weight";
    const TensorEntry& tensor = manifest.tensor(name);
    const Captured dump = run_and_capture(
        {{"h5dump", "-d", "/" + name, "-H", (folder / tensor.pieces.at(0).file).string()}});
    EXPECT_TRUE(dump.end.ok());
    EXPECT_NE(dump.output.find("H5T_IEEE_F32LE"), std::string::npos) << dump.output;
    EXPECT_NE(dump.output.find("( 32, 32 )"), std::string::npos) << dump.output;
    for (const char* other :
         {"model/model.embed_tokens.weight", "model/lm_head.weight", "model/model.norm.weight",
          "adam/m/model.norm.weight", "adam/v/model.norm.weight", "reference/model.norm.weight"})
        EXPECT_NO_THROW(manifest.tensor(other)) << other;
}

TEST_F(WholeRun, EvalOfTheRecipeEqualsWhatTheRunSaid) {
    const Json evaluation = json_of({"eval", id()});
    const Json last = json_lines(one->run().evaluations()).back();
    for (const char* key : {"step", "stage", "pass@1", "pass@k", "k", "prompts", "samples",
                            "truncated", "response_length", "tokens"})
        EXPECT_EQ(evaluation.at(key), last.at(key)) << key;
    const Json other = json_of({"eval", id(), "--step", "30", "--prompts", "5", "--samples", "3"});
    EXPECT_EQ(other.at("step"), 30);
    EXPECT_EQ(other.at("prompts"), 5);
}

TEST_F(WholeRun, SamplePrintsOneCompletion) {
    const Transcript answer = r1ctl(one->path(), {"sample", id(), "abc", "--temperature", "0"});
    EXPECT_TRUE(answer.end.ok()) << answer.all();
    EXPECT_FALSE(answer.out.empty());
    const Transcript again = r1ctl(one->path(), {"sample", id(), "abc", "--temperature", "0"});
    EXPECT_EQ(answer.out, again.out);
}

TEST_F(WholeRun, StatusLogsAndCheckpointsAgree) {
    const Json status = json_of({"status"});
    ASSERT_EQ(status.at("runs").size(), 1U);
    EXPECT_EQ(status.at("runs")[0].at("run_id"), id());
    EXPECT_EQ(status.at("runs")[0].at("state"), "completed");
    EXPECT_EQ(status.at("runs")[0].at("step"), kAllSteps);
    EXPECT_EQ(status.at("runs")[0].at("problem"), "");

    const Transcript logs = r1ctl(one->path(), {"logs", id()});
    EXPECT_NE(logs.out.find("rank 0 of 2 runs on "), std::string::npos) << logs.all();
    EXPECT_NE(logs.out.find("stage rl: steps 1 to 12"), std::string::npos) << logs.all();

    const Transcript list = r1ctl(one->path(), {"checkpoint", "list", id()});
    EXPECT_TRUE(list.end.ok()) << list.all();
    const Transcript verify = r1ctl(one->path(), {"checkpoint", "verify", id()});
    EXPECT_TRUE(verify.end.ok()) << verify.all();
    // The last three, and the end of the first stage.
    EXPECT_EQ(list_checkpoints(one->run().checkpoints()),
              (std::vector<std::int64_t>{30, 35, 40, 42}));
    for (const int step : {30, 35, 40, 42})
        EXPECT_NE(list.out.find(std::to_string(step)), std::string::npos) << list.out;
}

TEST_F(WholeRun, ResumeOfACompletedRunSaysSoAndStartsNothing) {
    const Transcript again = one->resume();
    EXPECT_TRUE(again.end.ok()) << again.all();
    EXPECT_NE(again.out.find("is completed; there is nothing to resume"), std::string::npos)
        << again.all();
    EXPECT_EQ(one->run().newest_attempt(), 1);
}

TEST(Recipe, TypoPointsAtItselfAndLeavesNoRunBehind) {
    TemporaryFolder folder;
    const std::string path =
        write_recipe(folder.path(), with(small_recipe(), "hidden_size", "hiden_size"));
    const Transcript refused = r1ctl(folder.path(), {"run", path});
    EXPECT_EQ(refused.end.exit_code, 2) << refused.all();
    EXPECT_NE(refused.err.find(path + ":8:3: "), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("did you mean"), std::string::npos) << refused.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "runs"));
}

TEST(Evaluation, IsTheSameOnOneAndOnTwoRanks) {
    std::string pass[2];
    for (const int ranks : {1, 2}) {
        OneRun one(with(with(small_recipe(), "ranks: 2", "ranks: " + std::to_string(ranks)),
                        "steps: 12", "steps: 2"));
        const Transcript transcript = one.start();
        ASSERT_TRUE(transcript.end.ok()) << transcript.all();
        // The untrained model's: the trained ones differ by the order of the sums.
        pass[ranks - 1] = timeless_lines(one.run().evaluations()).front();
    }
    EXPECT_EQ(pass[0], pass[1]);
}

}  // namespace
}  // namespace r1
