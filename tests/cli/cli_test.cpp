// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "checkpoint/attempt.h"
#include "cli/run.h"
#include "common/json.h"
#include "common/time.h"
#include "tests/cli/recipe_text.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

class Cli : public testing::Test {
  protected:
    Cli() {
        ::setenv("R1CTL_RUNS", runs().c_str(), 1);
        std::ofstream(recipe()) << kRecipe;
    }

    int run(const std::vector<std::string>& arguments) {
        std::vector<const char*> argv = {"r1ctl"};
        for (const std::string& argument : arguments) argv.push_back(argument.c_str());
        out_.str("");
        err_.str("");
        return cli::run(static_cast<int>(argv.size()), argv.data(), out_, err_);
    }
    std::filesystem::path runs() const { return folder_.path() / "runs"; }
    std::string recipe() const { return (folder_.path() / "tiny.yaml").string(); }
    std::string out() const { return out_.str(); }
    std::string err() const { return err_.str(); }

    /// A run of one hour on two cores that reached step 7.
    RunDirectory finished_run(const std::string& id) {
        const RunDirectory made = create_run(runs(), id, kRecipe);
        std::filesystem::create_directories(made.attempt(1));
        AttemptRecord record = describe_launcher(::getpid());
        record.number = 1;
        record.ranks = 2;
        record.threads_per_rank = 1;
        record.start_ms = 1'700'000'000'000;
        record.end_ms = record.start_ms + 3'600'000;
        record.exit_code = 0;
        write_attempt(made, record);
        write_outcome(made, 1, {Outcome::kCompleted, 7, *record.end_ms});
        std::ofstream(made.metrics()) << R"({"schema":1,"step":7,"total_steps":7,"stage":"rl",)"
                                      << R"("critic/rewards/mean":0.5})" << '\n';
        std::ofstream(made.evaluations()) << R"({"schema":1,"step":7,"stage":"rl",)"
                                          << R"("when":"stage","pass@1":0.75})" << '\n';
        return made;
    }

    TemporaryFolder folder_;
    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(Cli, VersionGoesToStdout) {
    EXPECT_EQ(run({"--version"}), 0);
    EXPECT_EQ(out(), "r1ctl 0.1.0\n");
    EXPECT_EQ(err(), "");
}

TEST_F(Cli, HelpNamesEveryVerb) {
    EXPECT_EQ(run({"--help"}), 0);
    for (const char* verb : {"run", "submit", "resume", "check", "recipe", "status", "watch",
                             "wait", "logs", "cancel", "eval", "sample", "doctor", "checkpoint"})
        EXPECT_NE(out().find(std::string("\n  ") + verb + " "), std::string::npos) << verb;
}

TEST_F(Cli, NoVerbIsAUsageErrorWithTheHelp) {
    EXPECT_EQ(run({}), 2);
    EXPECT_EQ(out(), "");
    EXPECT_NE(err().find("Usage: r1ctl"), std::string::npos) << err();
}

TEST_F(Cli, MisspeltVerbSuggestsTheNearest) {
    EXPECT_EQ(run({"statsu"}), 2);
    EXPECT_EQ(err(),
              "r1ctl: unknown command 'statsu'; did you mean 'status'?\n  see: r1ctl --help\n");
    EXPECT_EQ(run({"checkpoint", "lits", "x"}), 2);
    EXPECT_EQ(err(),
              "r1ctl: unknown command 'lits'; did you mean 'list'?\n"
              "  see: r1ctl checkpoint --help\n");
    EXPECT_EQ(run({"frobnicate\x1b"}), 2);
    EXPECT_EQ(err(), "r1ctl: unknown command 'frobnicate\\x1B'\n  see: r1ctl --help\n");
}

TEST_F(Cli, UnknownOptionAndMissingArgumentAreUsageErrors) {
    EXPECT_EQ(run({"check", recipe(), "--nodes"}), 2);
    EXPECT_EQ(err(),
              "r1ctl: The following argument was not expected: --nodes\n"
              "  see: r1ctl check --help\n");
    EXPECT_EQ(run({"check"}), 2);
    EXPECT_EQ(err(), "r1ctl: recipe is required\n  see: r1ctl check --help\n");
}

TEST_F(Cli, GoodRecipeChecksInOneLine) {
    EXPECT_EQ(run({"check", recipe()}), 0);
    EXPECT_EQ(out(), recipe() + ": ok (2 stages, 7 steps, 2 ranks x 1 thread)\n");
    EXPECT_EQ(err(), "");
}

TEST_F(Cli, SetOverridesAndTakesOneValueEach) {
    EXPECT_EQ(run({"check", "--set", "resources.ranks=3", "--set", "stages.rl.steps=5", recipe()}),
              0);
    EXPECT_EQ(out(), recipe() + ": ok (2 stages, 8 steps, 3 ranks x 1 thread)\n");
}

TEST_F(Cli, BadRecipePointsAtTheLineAndExitsWithTwo) {
    std::ofstream(recipe(), std::ios::app) << "stagse: 1\n";
    EXPECT_EQ(run({"check", recipe()}), 2);
    EXPECT_EQ(out(), "");
    EXPECT_EQ(err(), recipe() +
                         ":30:1: unknown key 'stagse'; did you mean 'stages'?\n"
                         "  stagse: 1\n  ^\n");
}

TEST_F(Cli, RecipeReferenceListsKeys) {
    EXPECT_EQ(run({"recipe", "reference"}), 0);
    EXPECT_NE(out().find("max_new_tokens"), std::string::npos);
}

TEST_F(Cli, StatusWithoutRunsSaysHowToStartOne) {
    EXPECT_EQ(run({"status"}), 0);
    EXPECT_EQ(out(), "no runs in " + runs().string() +
                         "\nnext: r1ctl run RECIPE, or r1ctl submit RECIPE\n");
}

TEST_F(Cli, StatusShowsStepQualityAndCost) {
    finished_run("tiny-20261121-202601-x7k2qf");
    EXPECT_EQ(run({"status"}), 0);
    EXPECT_EQ(out(),
              "run                          state      stage  step  last          pass@1   time  "
              "size     GPU-hours  core-hours      cost\n"
              "tiny-20261121-202601-x7k2qf  completed  rl      7/7  reward 0.500   0.750  1h00m  "
              "2 ranks       0.00        2.00  0.10 USD\n"
              "next: r1ctl eval tiny-20261121-202601-x7k2qf\n");
}

TEST_F(Cli, StatusAsJsonHasASchema) {
    finished_run("tiny-20261121-202601-x7k2qf");
    EXPECT_EQ(run({"status", "--json"}), 0);
    const Json status = parse_json_object(out(), "status");
    EXPECT_EQ(status.at("schema"), 1);
    EXPECT_EQ(status.at("runs").at(0).at("state"), "completed");
    EXPECT_EQ(status.at("runs").at(0).at("usage").at("cost").at("USD"), "0.10");
    EXPECT_EQ(status.at("runs").at(0).at("pass@1"), 0.75);
}

TEST_F(Cli, StatusTakesTheBillOfASettledRunFromItsSummary) {
    const RunDirectory made = finished_run("tiny-20261121-202601-x7k2qf");
    Json usage = Json::parse(R"({"attempts":3,"wall_ms":7200000,"gpu_ms":0,"core_ms":0,)"
                             R"("gpu_hours":"16.00","core_hours":"1.00","unpriced":true,)"
                             R"("cost":{"EUR":"3.00","USD":"12.40"},"provisional":false})");
    Json summary = {{"schema", 1}, {"state", "completed"}, {"attempt", 1}, {"usage", usage}};
    write_record(made.summary(), summary);
    std::ofstream(made.recipe()) << "name: [";  // is not read
    EXPECT_EQ(run({"status"}), 0);
    EXPECT_NE(out().find("2h00m  2 ranks      16.00        1.00  3.00 EUR + 12.40 USD + unpriced"),
              std::string::npos)
        << out();
}

TEST_F(Cli, StatusReadsTheRecordsWhereTheSummaryIsNotOfTheLastEnd) {
    const RunDirectory made = finished_run("tiny-20261121-202601-x7k2qf");
    Json usage = Json::parse(R"({"wall_ms":1,"gpu_hours":"9.99","core_hours":"9.99",)"
                             R"("unpriced":false,"cost":{"USD":"9.99"},"provisional":false})");
    Json summary = {{"schema", 1}, {"state", "completed"}, {"attempt", 0}, {"usage", usage}};
    const auto expect_from_records = [&](const char* what) {
        write_record(made.summary(), summary);
        EXPECT_EQ(run({"status"}), 0);
        EXPECT_NE(out().find("2.00  0.10 USD"), std::string::npos) << what << '\n' << out();
    };
    expect_from_records("an older attempt's");
    summary["attempt"] = 1;
    summary["state"] = "stopped";
    expect_from_records("another state");
    summary["state"] = "completed";
    summary["usage"]["provisional"] = true;
    expect_from_records("provisional");
    summary["usage"] = Json::parse(R"({"wall_ms":1,"cost":"9.99","provisional":false})");
    expect_from_records("of an older version");
}

TEST_F(Cli, DamagedRunDoesNotHideTheOthers) {
    finished_run("good-20261121-202601-x7k2qf");
    const RunDirectory bad = finished_run("bad-20261121-202602-x7k2qg");
    std::ofstream(bad.recipe()) << "name: [";
    std::ofstream(bad.metrics()) << "\x01garbage\n{\"step\":\"x\"}\n";
    EXPECT_EQ(run({"status"}), 0);
    EXPECT_NE(out().find("bad-20261121-202602-x7k2qg   damaged"), std::string::npos) << out();
    EXPECT_NE(out().find("good-20261121-202601-x7k2qf  completed"), std::string::npos) << out();
    EXPECT_NE(err().find("bad-20261121-202602-x7k2qg is damaged: "), std::string::npos) << err();
}

TEST_F(Cli, LogsOfARunWithoutAttemptSaysWhatToType) {
    create_run(runs(), "tiny-20261121-202601-x7k2qf", kRecipe);
    EXPECT_EQ(run({"logs", "tiny"}), 2);
    EXPECT_EQ(err(),
              "r1ctl: tiny-20261121-202601-x7k2qf has no attempt yet\n"
              "  next: r1ctl resume tiny-20261121-202601-x7k2qf\n");
}

TEST_F(Cli, RunOfAnotherHostIsNotResumed) {
    const RunDirectory made = create_run(runs(), "tiny-20261121-202601-x7k2qf", kRecipe);
    std::filesystem::create_directories(made.attempt(1));
    AttemptRecord record = describe_launcher(::getpid());
    record.number = 1;
    record.host = "elsewhere";
    record.launcher_pid = 42;
    write_attempt(made, record);
    EXPECT_EQ(run({"resume", "tiny"}), 1);
    EXPECT_EQ(err(),
              "r1ctl: tiny-20261121-202601-x7k2qf was started on elsewhere (pid 42), which "
              "cannot be asked from here; resume it there, or with --force when you know "
              "that it ended\n");
}

TEST_F(Cli, MissingRankProgramLeavesNoRunBehind) {
    ::setenv("R1CTL_RANK", "/nowhere/r1ctl-rank", 1);
    EXPECT_EQ(run({"run", recipe()}), 3);
    EXPECT_EQ(err(), "r1ctl: $R1CTL_RANK names '/nowhere/r1ctl-rank', which cannot be executed\n");
    EXPECT_FALSE(std::filesystem::exists(runs()));
    ::unsetenv("R1CTL_RANK");
}

TEST_F(Cli, CheckpointsOfANewRunAreNone) {
    create_run(runs(), "tiny-20261121-202601-x7k2qf", kRecipe);
    EXPECT_EQ(run({"checkpoint", "list", "tiny"}), 0);
    EXPECT_EQ(out(), "tiny-20261121-202601-x7k2qf has no checkpoint yet\n");
    EXPECT_EQ(run({"checkpoint", "verify", "tiny"}), 5);
    EXPECT_EQ(run({"checkpoint", "verify", "tiny", "--step", "3"}), 2);
    EXPECT_EQ(err(),
              "r1ctl: tiny-20261121-202601-x7k2qf has no checkpoint of step 3\n"
              "  see: r1ctl checkpoint list tiny-20261121-202601-x7k2qf\n");
}

TEST_F(Cli, DamagedCheckpointIsListedAndDoesNotVerify) {
    const RunDirectory made = create_run(runs(), "tiny-20261121-202601-x7k2qf", kRecipe);
    std::filesystem::create_directories(made.checkpoints() / "step-00000003");
    EXPECT_EQ(run({"checkpoint", "list", "tiny"}), 0);
    EXPECT_NE(out().find("   3  -"), std::string::npos) << out();
    EXPECT_EQ(run({"checkpoint", "verify", "tiny"}), 5);
    EXPECT_NE(err().find("step-00000003"), std::string::npos) << err();
}

}  // namespace
}  // namespace r1
