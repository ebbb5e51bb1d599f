// SPDX-License-Identifier: Apache-2.0
// Runs with records of jobs and attempts, and rows of a queue and of an accounting about them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/time.h"
#include "slurm/run_view.h"
#include "tests/common/temporary_folder.h"
#include "tests/slurm/fake_scheduler.h"

namespace r1::testing {

class RunViews : public ::testing::Test {
  protected:
    static constexpr std::int64_t kSubmitMs = 1'795'305'453'000;  ///< long ago

    RunDirectory make_run(const std::string& id = "run1") {
        return create_run(folder_.path(), id, "x");
    }
    static JobRecord add_job(const RunDirectory& run, int number, std::optional<std::int64_t> id,
                             std::int64_t submit_ms = kSubmitMs) {
        JobRecord record;
        record.number = number;
        record.submit_ms = submit_ms;
        record.job = id;
        write_job(run, record);
        return record;
    }
    static AttemptRecord attempt_of(const RunDirectory& run, std::int64_t job,
                                    std::int64_t restarts = 0) {
        AttemptRecord record;
        record.number = run.begin_attempt();
        record.host = "node1.elsewhere";
        record.start_ms = kSubmitMs + 1000;
        record.job = 1;
        record.slurm = SlurmPlace{job, "", restarts, "gpu", {"node1"}};
        write_attempt(run, record);
        return record;
    }
    static void end(const RunDirectory& run, AttemptRecord record, Ending ending, GoesOn goes_on,
                    const std::string& detail) {
        record.ending = ending;
        record.goes_on = goes_on;
        record.ending_detail = detail;
        record.end_ms = kSubmitMs + 2000;
        record.exit_code = 1;
        write_attempt(run, record);
    }
    static QueuedJob row(std::int64_t id, const std::string& state, const std::string& reason = "",
                         const std::string& nodes = "") {
        QueuedJob job;
        job.id.number = id;
        job.name = "run1";
        job.state = parse_job_state(state);
        job.reason = reason;
        job.nodes = nodes;
        return job;
    }
    static PastJob past(std::int64_t id, const std::string& state, std::int64_t start_s = 0,
                        const std::string& nodes = "node1") {
        PastJob job;
        job.id.number = id;
        job.name = "run1";
        job.state = parse_job_state(state);
        job.submit_s = kSubmitMs / 1000;
        if (start_s > 0) job.start_s = start_s;
        job.nodes = nodes;
        return job;
    }
    RunView view(const RunDirectory& run) { return view_runs({run}, &scheduler_).at(0); }
    void expect_view(const RunDirectory& run, RunState state, const std::string& note) {
        const RunView seen = view(run);
        EXPECT_STREQ(to_string(seen.state), to_string(state)) << seen.note;
        EXPECT_EQ(seen.note, note);
    }

    TemporaryFolder folder_;
    FakeScheduler scheduler_;
};

}  // namespace r1::testing
