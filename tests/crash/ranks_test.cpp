// SPDX-License-Identifier: Apache-2.0
// C1 for saves that ranks make together: kill -9 of the rank that does an operation, before and
// after it, for every one over all ranks. What is found then is exactly the old checkpoint or
// exactly the new one; the next job clears up and saves.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <thread>

#include "checkpoint/retention.h"
#include "common/subprocess.h"
#include "tests/crash/tools/child.h"
#include "tests/crash/tools/figure.h"
#include "tests/crash/tools/numbered.h"
#include "tests/mpi_runtime/store/numbered_model.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

/// A save of `step` by so many ranks; those of odd steps write a file each.
struct Job {
    int ranks;
    std::int64_t step;
};
const std::vector<Job> kJobs = {{2, 2}, {2, 3}, {4, 2}, {4, 3}};

/// The folder of a run, and what is outside of it.
class JobFolder {
  public:
    JobFolder() { fs::create_directory(root_); }
    void begin_as(const JobFolder& other) const {
        fs::copy(other.checkpoints_, checkpoints_, fs::copy_options::recursive);
    }
    /// With `shim`, words of its environment, operations are counted and harm is done.
    ProcessEnd save(int ranks, std::int64_t step, const std::vector<std::string>& shim = {}) const {
        std::vector<std::string> words{R1_MPIRUN, "--oversubscribe",           "--bind-to", "none",
                                       "--mca",   "odls_base_sigkill_timeout", "0"};
        for (const std::string& word : shim) words.insert(words.end(), {"-x", word});
        words.insert(words.end(), {"-np", std::to_string(ranks), R1_STORE_RANK,
                                   checkpoints_.string(), "save", std::to_string(step)});
        CaptureOptions limit;
        limit.errors = true;
        limit.limit = std::chrono::seconds(60);
        return run_and_capture(
                   {.arguments = words,
                    .environment = {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"},
                    .output = {}},
                   limit)
            .end;
    }
    /// What puts the shim before the ranks, not before mpirun.
    std::vector<std::string> shim(const std::string& harm = {}) const {
        std::vector<std::string> words{"LD_PRELOAD=" R1_SHIM_LIBRARY,
                                       "R1_SHIM_ROOT=" + root_.string(),
                                       "R1_SHIM_COUNTER=" + counter_.string()};
        if (!harm.empty()) words.push_back(harm);
        return words;
    }
    std::uint64_t operations() const {
        std::uint64_t count = 0;
        std::ifstream(counter_, std::ios::binary).read(reinterpret_cast<char*>(&count), 8);
        return count;
    }
    /// mpirun may end a little before its ranks have died.
    void wait_for_ranks() const {
        while (a_rank_runs()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const fs::path& checkpoints() const { return checkpoints_; }

  private:
    // They have the shim's words in their environment, which none has that is dead.
    bool a_rank_runs() const {
        std::error_code error;
        for (const fs::directory_entry& process : fs::directory_iterator("/proc", error)) {
            std::ifstream file(process.path() / "environ", std::ios::binary);
            const std::string words{std::istreambuf_iterator<char>(file), {}};
            if (words.find(counter_.string()) != std::string::npos) return true;
        }
        return false;
    }

    RunFolder folder_;
    fs::path root_ = folder_.path() / "run";
    fs::path checkpoints_ = root_ / "checkpoints";
    fs::path counter_ = folder_.path() / "counter";
};

/// A kill of a job at one of its operations.
struct Place {
    std::uint64_t number;
    bool after;
};

class RanksKilled : public ::testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(first_.save(2, 1).ok()); }
    std::uint64_t count(const Job& job) const {
        const JobFolder run;
        run.begin_as(first_);
        EXPECT_TRUE(run.save(job.ranks, job.step, run.shim()).ok());
        return run.operations();
    }
    // All, or some from all parts of the job.
    std::vector<Place> places(std::uint64_t operations, std::uint64_t wanted) {
        const std::uint64_t all = 2 * operations;
        std::vector<Place> list;
        for (std::uint64_t i = 0; i < std::min(wanted, all); ++i) {
            const std::uint64_t begin = all * i / std::min(wanted, all);
            const std::uint64_t end = all * (i + 1) / std::min(wanted, all);
            const std::uint64_t place = begin + random_() % (end - begin);
            list.push_back({1 + place / 2, place % 2 != 0});
        }
        return list;
    }
    void kill(const Job& job, const Place& place) {
        const JobFolder run;
        run.begin_as(first_);
        where_ = std::to_string(job.ranks) + " ranks, step " + std::to_string(job.step) +
                 ", killed " + (place.after ? "after" : "before") + " operation " +
                 std::to_string(place.number);
        const ProcessEnd end =
            run.save(job.ranks, job.step,
                     run.shim((place.after ? "R1_SHIM_KILL_AFTER=" : "R1_SHIM_KILL_BEFORE=") +
                              std::to_string(place.number)));
        ASSERT_FALSE(end.ok()) << where_;
        run.wait_for_ranks();
        ASSERT_GE(run.operations(), place.number) << where_;
        ++kills_;
        found_new_ += expect_newest(run, {1, job.step}) == job.step ? 1 : 0;
        remove_leftovers(run.checkpoints());
        EXPECT_EQ(joined(leftovers(run.checkpoints())), "") << where_;
        EXPECT_TRUE(run.save(job.ranks, job.step + 1).ok()) << where_;
        expect_newest(run, {job.step + 1});
        EXPECT_EQ(joined(leftovers(run.checkpoints())), "") << where_;
    }
    std::int64_t expect_newest(const JobFolder& run, const std::set<std::int64_t>& right) {
        std::vector<Rejected> rejected;
        const std::int64_t found = latest_verified(run.checkpoints(), rejected).value_or(0);
        const bool is_right = right.contains(found) && rejected.empty();
        lost_ += is_right ? 0 : 1;
        EXPECT_TRUE(is_right) << where_ << ": found " << found << ", "
                              << (rejected.empty() ? "" : rejected.front().reason);
        if (found == 0) return 0;
        const fs::path folder = run.checkpoints() / checkpoint_name(found);
        const std::uint64_t wrong = test::count_wrong(folder, found, 0, 1);
        wrong_ += wrong == 0 ? 0 : 1;
        EXPECT_EQ(wrong, 0u) << where_ << ": bytes of step " << found;
        return found;
    }

    JobFolder first_;
    std::mt19937 random_{1};
    std::string where_;
    std::uint64_t kills_ = 0;
    std::uint64_t found_new_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t wrong_ = 0;
};

TEST_F(RanksKilled, AtEveryOperationLeaveTheOldOrTheNewCheckpoint) {
    const std::uint64_t wanted = short_or_long<std::uint64_t>(5, ~std::uint64_t{0});
    std::uint64_t operations = 0;
    for (const Job& job : kJobs) {
        const std::uint64_t count_of_job = count(job);
        ASSERT_GT(count_of_job, 20u);
        operations += count_of_job;
        for (const Place& place : places(count_of_job, wanted)) kill(job, place);
    }
    EXPECT_GT(found_new_, 0u);
    EXPECT_LT(found_new_, kills_);
    print_figure("C1", grouped(kills_) + " kills of one of 2 or 4 ranks at " + grouped(operations) +
                           " operations of " + std::to_string(kJobs.size()) + " jobs, " +
                           grouped(found_new_) + " left the new one, " + grouped(lost_) +
                           " lost, " + grouped(wrong_) + " wrong loads");
}

}  // namespace
}  // namespace r1::crash
