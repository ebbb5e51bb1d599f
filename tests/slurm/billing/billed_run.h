// SPDX-License-Identifier: Apache-2.0
// A run whose records are written by hand, and what an accounting says of it.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "checkpoint/job.h"
#include "common/host.h"
#include "slurm/billing/bill.h"
#include "slurm/billing/ledger.h"
#include "tests/cli/recipe_text.h"
#include "tests/common/temporary_folder.h"
#include "tests/slurm/fake_scheduler.h"

namespace r1::testing {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kStart = 1'700'000'000'000;
constexpr const char* kEightGpus = "billing=16,cpu=16,gres/gpu=8,gres/gpu:h800=8,mem=1G,node=1";

class BilledRun : public ::testing::Test {
  protected:
    /// kRecipe with other keys in its section `cost`.
    static std::string recipe_with(const std::string& prices) {
        std::string text = kRecipe;
        const std::string own = "price_per_core_hour: 0.05";
        return text.replace(text.find(own), own.size(), prices);
    }
    void price(const std::string& prices) {
        std::ofstream(run_.recipe(), std::ios::trunc) << recipe_with(prices);
    }

    /// Of two ranks with three threads each, started by a launcher that has died.
    static AttemptRecord local(int number, std::int64_t start, std::optional<std::int64_t> end) {
        AttemptRecord record;
        record.number = number;
        record.launcher = "mpirun";
        record.host = host_name();
        record.boot_id = "of-an-earlier-boot";
        record.launcher_pid = 999'999'999;
        record.ranks = 2;
        record.threads_per_rank = 3;
        record.start_ms = start;
        record.end_ms = end;
        return record;
    }
    /// Of job 12 on one node with eight GPUs.
    static AttemptRecord under_slurm(int number, std::int64_t start,
                                     std::optional<std::int64_t> end, std::int64_t restarts = 0) {
        AttemptRecord record = local(number, start, end);
        record.launcher = "srun";
        record.host = "node1.elsewhere";
        record.user = "own-user";
        record.account = "own-account";
        record.gpus = 8;
        record.job = 1;
        record.slurm = SlurmPlace{12, "", restarts, "gpu", {"node1"}};
        return record;
    }
    void write(const AttemptRecord& record) {
        std::filesystem::create_directories(run_.attempt(record.number));
        write_attempt(run_, record);
    }
    /// Job 12, queued a minute before kStart.
    void write_job_record(const std::string& gpu_type = "h800") {
        JobRecord job;
        job.number = 1;
        job.submit_ms = kStart - 60 * kSecond;
        job.job = 12;
        job.partition = "gpu";
        job.end_stage = 2;
        job.ranks = 8;
        job.nodes = 1;
        job.gpus_per_node = 8;
        job.gpu_type = gpu_type;
        job.paid_gpus = 8;
        job.paid_cores = 16;
        write_job(run_, job);
    }
    /// A line of metrics.jsonl for a step that took ten seconds.
    void step(int attempt, int step, std::int64_t end_ms, const std::string& stage = "rl") {
        std::ofstream(run_.metrics(), std::ios::app)
            << R"({"schema":1,"attempt":)" << attempt << R"(,"step":)" << step << R"(,"stage":")"
            << stage << R"(","time_ms":)" << end_ms << R"(,"timing_s/step":10.0})" << '\n';
    }

    /// One start of job 12.
    PastJob start(const std::string& state, std::int64_t start_ms,
                  std::optional<std::int64_t> end_ms, const std::string& tres = kEightGpus) const {
        PastJob job;
        job.id = {12, ""};
        job.name = run_.run_id();
        job.state = parse_job_state(state);
        job.partition = "gpu";
        job.nodes = "node1";
        job.user = "ada";
        job.account = "lab";
        job.allocated = tres;
        job.submit_s = kStart / kSecond - 60;
        job.start_s = start_ms / kSecond;
        if (end_ms) job.end_s = *end_ms / kSecond;
        return job;
    }
    void told(const std::vector<PastJob>& starts, std::int64_t asked_ms = kStart + 100 * kHour) {
        write_accounting(run_, {asked_ms, true, starts});
    }
    QueuedJob queued(const std::string& state, std::int64_t start_ms) const {
        QueuedJob job;
        job.id = {12, ""};
        job.name = run_.run_id();
        job.state = parse_job_state(state);
        job.partition = "gpu";
        job.nodes = "node1";
        job.start_s = start_ms / kSecond;
        return job;
    }

    std::vector<Charge> charges(std::int64_t now_ms = kStart + 100 * kHour) const {
        std::vector<Charge> all = charges_of(run_, now_ms);
        for (const Charge& charge : all) expect_tiled(charge);
        return all;
    }
    Bill bill(std::int64_t now_ms = kStart + 100 * kHour) const { return bill_of(charges(now_ms)); }

    static void expect_tiled(const Charge& charge) {
        std::int64_t at = charge.start_ms;
        for (const Piece& piece : charge.pieces) {
            EXPECT_EQ(piece.start_ms, at);
            EXPECT_GT(piece.end_ms, piece.start_ms);
            at = piece.end_ms;
        }
        EXPECT_EQ(at, charge.end_ms);
    }

    TemporaryFolder folder_;
    RunDirectory run_ = create_run(folder_.path(), "tiny-20261121-202601-x7k2qf", kRecipe);
    FakeScheduler scheduler_;
};

}  // namespace r1::testing
