// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "checkpoint/run_directory.h"
#include "tests/common/temporary_folder.h"
#include "tests/system/processes.h"
#include "tests/system/r1ctl.h"

namespace r1 {

/// A folder with one recipe and the one run of it.
class OneRun {
  public:
    explicit OneRun(const std::string& recipe);
    OneRun(const OneRun&) = delete;
    OneRun& operator=(const OneRun&) = delete;
    /// A test that fails leaves no process behind.
    ~OneRun();

    const std::filesystem::path& path() const { return folder_.path(); }
    const std::string& recipe() const { return recipe_; }
    /// There once r1ctl has begun.
    RunDirectory run() const;

    /// Runs r1ctl to its end with `--quiet`.
    Transcript start() { return r1ctl(path(), {"run", recipe_, "--quiet"}); }
    Transcript resume() { return r1ctl(path(), {"resume", run().root().string(), "--quiet"}); }
    Transcript resume_on(int ranks) {
        return r1ctl(
            path(), {"resume", run().root().string(), "--quiet", "--ranks", std::to_string(ranks)});
    }
    /// Begins to run; the run's folder is there when this returns.
    R1ctl begin();
    R1ctl begin_resume() { return R1ctl(path(), {"resume", run().root().string(), "--quiet"}); }
    std::string state() const;

  private:
    TemporaryFolder folder_;
    std::string recipe_;
};

/// A moment of a run.
using Moment = std::function<bool(const RunDirectory&)>;
Moment after_step(std::int64_t step);
/// Between the first byte of a save and its end.
Moment while_saving_after(std::int64_t step);
Moment once_checkpoint_exists(std::int64_t step);

/// Waits for the moment in a run that is at work, and kills. The run must not have ended before.
void kill_at(OneRun& one, R1ctl& command, const Moment& moment, Victim victim);

/// Nothing of the run lives any more, and its state is not "running".
void expect_ended(const OneRun& one, double seconds);

}  // namespace r1
