// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <ctime>

#include "tests/slurm/script_run.h"

namespace r1 {
namespace {

using testing::ScriptRun;
using Words = std::vector<std::string>;

const std::string kHostile =
    "-r 'u\"n $(touch pwned) `touch pwned` ; touch pwned & ${HOME} \xc3\xbc %j * #x \\ !";

TEST(JobScriptRun, ArgumentsOfEveryProgramAreExact) {
    ScriptRun job;
    const Captured captured = job.run();
    EXPECT_TRUE(captured.end.ok());
    EXPECT_EQ(captured.output + captured.errors, "");
    const std::string run = job.place().run.string();
    const Words begin = job.arguments("r1ctl-begin");
    ASSERT_EQ(begin.size(), 8U);
    EXPECT_EQ((Words{begin[0], begin[1], begin[2], begin[3], begin[4], begin[6], begin[7]}),
              (Words{"attempt", "begin", "--run", run, "--shell", "--job", "1"}));
    EXPECT_GT(std::stoi(begin[5]), 1);
    EXPECT_EQ(job.arguments("srun-prologue"),
              (Words{"--mpi=none", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1",
                     "--cpus-per-task=1", "--kill-on-bad-exit=0", job.place().r1ctl.string(),
                     "attempt", "node", "--run", run, "--attempt", "1"}));
    EXPECT_EQ(job.arguments("srun-ranks"),
              (Words{"--mpi=pmix", "--nodes=2", "--ntasks=16", "--ntasks-per-node=8",
                     "--cpus-per-task=1", "--gpu-bind=none", "--kill-on-bad-exit=1",
                     job.place().rank_program.string(), "train", "--run", run, "--attempt", "1"}));
    EXPECT_EQ(job.arguments("r1ctl-end"), (Words{"attempt", "end", "--run", run, "--attempt", "1",
                                                 "--status", "0", "--signalled", "0"}));
}

TEST(JobScriptRun, HostileTextsArriveWholeAndAreNotExecuted) {
    ScriptRun job(kHostile);
    job.profile.modules = {kHostile, "gcc; touch pwned"};
    job.profile.launcher_options = {"--x=" + kHostile};
    job.profile.container = {"/bin/" + kHostile, "exec", kHostile};
    job.profile.environment = {{"HOSTILE", kHostile}};
    job.profile.mpi = kHostile;
    job.add_environment("LD_LIBRARY_PATH", kHostile);
    job.ranks("note \"$HOSTILE\"; note \"$LD_LIBRARY_PATH\"");
    EXPECT_TRUE(job.run().end.ok());
    EXPECT_TRUE(job.left_nothing());
    EXPECT_FALSE(std::filesystem::exists(job.bin() / "pwned"));
    EXPECT_EQ(job.notes(), kHostile + "\n" + kHostile + "\n");
    EXPECT_EQ(job.arguments("module"), (Words{"load", kHostile, "gcc; touch pwned"}));
    const std::string run = job.place().run.string();
    EXPECT_EQ(job.arguments("srun-ranks"),
              (Words{"--mpi=" + kHostile, "--nodes=2", "--ntasks=16", "--ntasks-per-node=8",
                     "--cpus-per-task=1", "--gpu-bind=none", "--kill-on-bad-exit=1",
                     "--x=" + kHostile, "/bin/" + kHostile, "exec", kHostile,
                     job.place().rank_program.string(), "train", "--run", run, "--attempt", "1"}));
    EXPECT_EQ(job.arguments("r1ctl-end").at(3), run);
}

TEST(JobScriptRun, MpirunTakesTheRanksOfANode) {
    ScriptRun job;
    job.profile.launcher = RankLauncher::kMpirun;
    job.run();
    EXPECT_EQ(job.arguments("mpirun"),
              (Words{"-np", "16", "--map-by", "ppr:8:node", "--bind-to", "none",
                     job.place().rank_program.string(), "train", "--run", job.place().run.string(),
                     "--attempt", "1"}));
    EXPECT_FALSE(job.arguments("srun-prologue").empty());
}

TEST(JobScriptRun, NothingToDoStartsNothing) {
    ScriptRun job;
    job.begins("");
    EXPECT_TRUE(job.run().end.ok());
    EXPECT_TRUE(job.arguments("srun-prologue").empty());
    EXPECT_EQ(job.told_to_end(), "");
}

TEST(JobScriptRun, RefusalToBeginIsTheJobs) {
    ScriptRun job;
    job.begins("", 3);
    EXPECT_EQ(job.run().end.exit_code, 3);
    EXPECT_TRUE(job.arguments("srun-prologue").empty());
    EXPECT_EQ(job.told_to_end(), "");
}

TEST(JobScriptRun, FailedModuleEndsTheJobBeforeItBegins) {
    ScriptRun job;
    job.profile.modules = {"none/such"};
    job.program("module", "exit 1\n", "module");
    EXPECT_EQ(job.run().end.exit_code, 1);
    EXPECT_TRUE(job.arguments("r1ctl-begin").empty());
}

TEST(JobScriptRun, UnfitNodeStartsNoRanks) {
    ScriptRun job;
    job.prologue_ends(9);
    job.run();
    EXPECT_TRUE(job.arguments("srun-ranks").empty());
    EXPECT_EQ(job.told_to_end(), "--status 9 --signalled 0");
}

TEST(JobScriptRun, WhatTheEpilogueAnswersIsTheJobs) {
    ScriptRun job;
    job.end_answers(5);
    EXPECT_EQ(job.run().end.exit_code, 5);
}

TEST(JobScriptRun, WordsOfTheRanksGoToTheLogOfTheAttempt) {
    ScriptRun job;
    job.ranks("echo out; echo err >&2");
    EXPECT_EQ(job.run().errors, "");
    EXPECT_EQ(job.log(), "out\nerr\n");
}

TEST(JobScriptSignal, TermAndUsr2ReachSrunAloneAsUsr2) {
    for (const char* signal : {"TERM", "USR2", "INT"}) {
        ScriptRun job;
        job.ranks(std::string(R"(trap 'note USR2; sleep 0.2; kill "$other"; exit 7' USR2
trap 'note "another signal"' TERM INT USR1 CONT
bash -c 'trap "echo child >>notes" USR2 INT; while :; do sleep 0.05; done' & other=$!
sleep 0.2
kill -s )") + signal +
                  R"( "$PPID"
while :; do sleep 0.05; done)");
        job.run();
        EXPECT_EQ(job.notes(), "USR2\n") << signal;
        EXPECT_EQ(job.told_to_end(), "--status 7 --signalled 1") << signal;
    }
}

TEST(JobScriptSignal, EverySignalIsForwarded) {
    ScriptRun job;
    job.ranks(R"(seen=0
trap 'seen=$((seen + 1)); note "USR2 $seen"' USR2
kill -s USR2 "$PPID"
while [ "$seen" -lt 1 ]; do sleep 0.05; done
kill -s TERM "$PPID"
while [ "$seen" -lt 2 ]; do sleep 0.05; done
exit 0)");
    job.run();
    EXPECT_EQ(job.notes(), "USR2 1\nUSR2 2\n");
    EXPECT_EQ(job.told_to_end(), "--status 0 --signalled 1");
}

TEST(JobScriptSignal, ContIsNoEnd) {
    ScriptRun job;
    job.ranks("kill -s CONT \"$PPID\"; sleep 0.3; note done; exit 5");
    job.run();
    EXPECT_EQ(job.notes(), "done\n");
    EXPECT_EQ(job.told_to_end(), "--status 5 --signalled 0");
}

TEST(JobScriptSignal, RanksThatEndInThatMomentKeepTheirStatus) {
    for (int i = 0; i < 10; ++i) {
        ScriptRun job;
        job.ranks("trap '' USR2; kill -s TERM \"$PPID\"; exit 6");
        job.run();
        EXPECT_EQ(job.told_to_end(), "--status 6 --signalled 1");
    }
}

TEST(JobScriptSignal, SignalFromBeforeTheRanksStartsNone) {
    ScriptRun job;
    job.begins_with("[ \"$2\" != begin ] || kill -s TERM \"$6\"");
    job.run();
    EXPECT_TRUE(job.arguments("srun-ranks").empty());
    EXPECT_EQ(job.told_to_end(), "--status 0 --signalled 1");
}

TEST(JobScriptSignal, RanksThatDoNotStopBeforeTheLimitAreGivenUp) {
    ScriptRun job;
    job.profile.kill_wait = {5};
    job.begins("1 " + std::to_string(std::time(nullptr) + 4));
    job.ranks("trap '' USR2; kill -s TERM \"$PPID\"; while :; do sleep 0.1; done");
    const std::time_t start = std::time(nullptr);
    job.run();
    EXPECT_EQ(job.told_to_end(), "--status 137 --signalled 1");
    EXPECT_LT(std::time(nullptr) - start, 20);
}

TEST(JobScriptSignal, FarFromTheLimitRanksHaveTheirTime) {
    ScriptRun job;
    job.profile.kill_wait = {5};
    job.begins("1 " + std::to_string(std::time(nullptr) + 3600));
    job.ranks("trap 'sleep 3; exit 0' USR2; kill -s TERM \"$PPID\"; while :; do sleep 0.1; done");
    job.run();
    EXPECT_EQ(job.told_to_end(), "--status 0 --signalled 1");
}

TEST(JobScriptRegression, NoTokenReachesTheLogOfTheJob) {
    ScriptRun job;
    job.profile.environment = {{"HF_TOKEN", "hf_verysecret"}};
    job.ranks("[ \"$HF_TOKEN\" = hf_verysecret ] && exit 3");
    const Captured captured = job.run();
    EXPECT_EQ((captured.output + captured.errors + job.log()).find("verysecret"),
              std::string::npos);
    EXPECT_EQ(job.told_to_end(), "--status 3 --signalled 0");
}

TEST(JobScriptRegression, ExportedValuesWithBlanksAndSmallNamesArriveAsTheyAre) {
    ScriptRun job;
    job.profile.environment = {{"http_proxy", "a b; touch pwned"}, {"EMPTY", ""}};
    job.ranks("note \"$http_proxy|${HTTP_PROXY-unset}|${EMPTY-unset}|$SLURM_EXPORT_ENV\"");
    job.run();
    EXPECT_EQ(job.notes(), "a b; touch pwned|unset||ALL\n");
    EXPECT_TRUE(job.left_nothing());
}

TEST(JobScriptRegression, FailedRanksAreNoSuccess) {
    for (const int code : {1, 3, 127, 137, 255}) {
        ScriptRun job;
        job.ranks("exit " + std::to_string(code));
        job.end_answers(code);
        EXPECT_EQ(job.run().end.exit_code, code);
        EXPECT_EQ(job.told_to_end(), "--status " + std::to_string(code) + " --signalled 0");
    }
}

TEST(JobScriptRegression, WaitNamesWhatItWaitsFor) {
    ScriptRun job;
    std::istringstream lines(job_script(job.plan, job.profile, job.place()));
    std::size_t waits = 0;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find_first_not_of(' ');
        if (first == std::string::npos || line.compare(first, 4, "wait") != 0) continue;
        EXPECT_EQ(line.substr(first), "wait \"$ranks\"");
        ++waits;
    }
    EXPECT_EQ(waits, 1U);
}

}  // namespace
}  // namespace r1
