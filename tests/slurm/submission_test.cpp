// SPDX-License-Identifier: Apache-2.0
#include "slurm/submission.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/time.h"
#include "tests/common/message_of.h"
#include "tests/common/temporary_folder.h"
#include "tests/slurm/fake_scheduler.h"
#include "tests/slurm/fake_slurm.h"
#include "tests/slurm/plan_fixture.h"

namespace r1 {
namespace {

using testing::FakeScheduler;
using testing::small_cluster;
using testing::small_recipe;
using testing::stage_of;

class Submissions : public ::testing::Test {
  protected:
    Submissions()
        : submission_{create_run(folder_.path(), "run1", "x"),
                      small_recipe(8),
                      small_cluster(),
                      "/opt/r1ctl",
                      "/opt/r1ctl-rank",
                      {{"PATH", "/bin"}}} {
        submission_.recipe.stages.push_back(stage_of("rl", 20));
        submission_.recipe.stages[1].resources = submission_.recipe.resources;
        submission_.recipe.stages[1].resources->ranks = 2;
        plans_ = plan_jobs(submission_.recipe, submission_.profile);
    }
    const RunDirectory& run() const { return submission_.run; }
    std::string failure() {
        return message_of([&] { submit_jobs(submission_, plans_, {}, scheduler_); });
    }
    static std::string option(const JobRequest& request, const std::string& name) {
        for (const std::string& each : request.options)
            if (each.starts_with(name)) return each;
        return "";
    }

    TemporaryFolder folder_;
    Submission submission_;
    std::vector<JobPlan> plans_;
    FakeScheduler scheduler_;
};

TEST_F(Submissions, RecordAndScriptAreThereBeforeSbatchIsCalled) {
    const std::int64_t before = utc_milliseconds();
    scheduler_.on_submit = [&](const JobRequest& request) {
        const int number = static_cast<int>(scheduler_.submitted.size()) + 1;
        const JobRecord record = read_job(run(), number).value();
        EXPECT_FALSE(record.job);
        EXPECT_GE(record.submit_ms, before);
        EXPECT_EQ(record.comment, request.comment);
        EXPECT_TRUE(std::filesystem::exists(request.script));
    };
    scheduler_.cluster = "east";
    const auto jobs = submit_jobs(submission_, plans_, {}, scheduler_);
    ASSERT_EQ(jobs.size(), 2U);
    for (const JobRecord& job : jobs) {
        const JobRecord read = read_job(run(), job.number).value();
        EXPECT_EQ(read.job, 99 + job.number);
        EXPECT_EQ(read.cluster, "east");
        EXPECT_EQ(read.problem, "");
        EXPECT_EQ(plan_of(read), plans_[static_cast<std::size_t>(job.number) - 1]);
    }
}

TEST_F(Submissions, ScriptIsTheVeryBytesAndNobodyElsesToRead) {
    const ::mode_t mask = ::umask(0);
    submit_jobs(submission_, plans_, {}, scheduler_);
    ::umask(mask);
    for (int number : {1, 2}) {
        const auto path = run().job_script(number);
        EXPECT_EQ(scheduler_.submitted.at(static_cast<std::size_t>(number) - 1).script, path);
        EXPECT_EQ(read_file(path), job_script(plans_[static_cast<std::size_t>(number) - 1],
                                              submission_.profile, place_of(submission_, number)));
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600U);
    }
}

TEST_F(Submissions, LaterJobsWaitForTheOneBefore) {
    SubmissionWishes wishes;
    wishes.hold = true;
    wishes.after = {7};
    wishes.after_runs = {"/runs/other"};
    wishes.excluded = {"node3"};
    const auto jobs = submit_jobs(submission_, plans_, wishes, scheduler_);
    const auto& asked = scheduler_.submitted;
    EXPECT_EQ(option(asked[0], "--dependency"), "--dependency=singleton,afterany:7");
    EXPECT_EQ(option(asked[1], "--dependency"), "--dependency=singleton,afterany:100");
    EXPECT_EQ(option(asked[0], "--hold"), "--hold");
    EXPECT_EQ(option(asked[1], "--hold"), "");
    EXPECT_EQ(option(asked[1], "--exclude"), "--exclude=node3");
    EXPECT_EQ(asked[0].name, "run1");
    EXPECT_EQ(asked[1].name, "run1");
    EXPECT_EQ(asked[1].comment, "run1/2");
    EXPECT_EQ(jobs[0].after_runs, std::vector<std::string>{"/runs/other"});
    EXPECT_TRUE(jobs[1].after_runs.empty());
}

TEST_F(Submissions, NumbersGoOnFromEarlierJobs) {
    JobRecord earlier;
    earlier.number = 4;
    write_job(run(), earlier);
    EXPECT_EQ(submit_jobs(submission_, plans_, {}, scheduler_).at(0).number, 5);
    EXPECT_TRUE(std::filesystem::exists(run().job_script(5)));
}

TEST_F(Submissions, RefusalIsWrittenDown) {
    scheduler_.on_submit = [](const JobRequest&) {
        throw Error(ExitCode::kScheduler, "sbatch: Invalid account");
    };
    EXPECT_EQ(failure(), "sbatch: Invalid account");
    EXPECT_EQ(read_job(run(), 1)->problem, "sbatch: Invalid account");
    EXPECT_FALSE(read_job(run(), 1)->job);
    EXPECT_FALSE(read_job(run(), 2));
    EXPECT_TRUE(scheduler_.cancelled.empty());
}

TEST_F(Submissions, RefusalOfALaterJobCancelsThoseBefore) {
    plans_.push_back(plans_.front());
    scheduler_.cluster = "east";
    scheduler_.on_submit = [&](const JobRequest&) {
        if (scheduler_.submitted.size() == 2)
            throw Error(ExitCode::kScheduler, "sbatch: Invalid qos");
    };
    scheduler_.on_cancel = [&](const JobId& id) {
        if (id.number == 100) throw Error(ExitCode::kScheduler, "scancel is missing");
    };
    EXPECT_EQ(failure(), "sbatch: Invalid qos");
    ASSERT_EQ(scheduler_.cancelled.size(), 1U);
    EXPECT_EQ(scheduler_.cancelled[0], (JobId{101, "east"}));
    EXPECT_EQ(read_job(run(), 1)->problem, "");
    EXPECT_EQ(read_job(run(), 2)->problem, "cancelled, because a later job of the run was refused");
    EXPECT_EQ(read_job(run(), 3)->problem, "sbatch: Invalid qos");
}

TEST_F(Submissions, WarningIsAFixedTimeUntilItIsMeasured) {
    EXPECT_EQ(warning_seconds(run(), 4 * 3600), 300);
    EXPECT_EQ(warning_seconds(run(), 600), 60);
    EXPECT_EQ(warning_seconds(run(), 20), 5);
    write_file_durably(run().metrics(), "{\"timing_s/step\": 5}\n");
    EXPECT_EQ(warning_seconds(run(), 4 * 3600), 300);  // no save yet
}

TEST_F(Submissions, WarningIsTwiceTheLongestStepAndSave) {
    write_file_durably(run().metrics(),
                       "{\"timing_s/step\": 20.5}\n{\"timing_s/step\": 5, \"timing_s/save\": 100}\n"
                       "{\"timing_s/step\": \"x\", \"timing_s/save\": null}\nno json\n"
                       "{\"timing_s/save\": 7}\n");
    EXPECT_EQ(warning_seconds(run(), 4 * 3600), 2 * 120 + 1 + 1 + 60);
    EXPECT_EQ(warning_seconds(run(), 600), 60);
    submit_jobs(submission_, plans_, {}, scheduler_);
    EXPECT_EQ(option(scheduler_.submitted[0], "--signal"), "--signal=USR2@302");
}

TEST_F(Submissions, WarningIsNoLongerThanSlurmTakes) {
    write_file_durably(run().metrics(), "{\"timing_s/step\": 1e18, \"timing_s/save\": 1e300}\n");
    EXPECT_EQ(warning_seconds(run(), 30 * 86'400), 65'535);
    EXPECT_EQ(warning_seconds(run(), 4 * 3600), 1440);
}

// Cut at a comma the suffix stays, and is no number.
TEST_F(Submissions, ClusterAfterTheIdOfSbatchIsNoPartOfIt) {
    FakeSlurm slurm;
    slurm.out("sbatch", "123;clusterA\n");
    plans_.resize(1);
    submit_jobs(submission_, plans_, {}, *make_slurm_scheduler());
    EXPECT_EQ(read_job(run(), 1)->job, 123);
    EXPECT_EQ(read_job(run(), 1)->cluster, "clusterA");
    const auto arguments = slurm.argument_list("sbatch.1");
    EXPECT_EQ(arguments.front(), "--parsable");
    EXPECT_EQ(arguments.at(1), "--job-name=run1");
    EXPECT_EQ(arguments.at(2), "--comment=run1/1");
    EXPECT_EQ(arguments.back(), run().job_script(1).string());
}

}  // namespace
}  // namespace r1
