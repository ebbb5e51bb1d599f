// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "checkpoint/attempt.h"
#include "common/subprocess.h"
#include "tests/common/temporary_folder.h"

namespace r1 {

/// A run whose attempts are begun as a job script begins them: the record first, then the ranks,
/// without r1ctl.
class RankRun {
  public:
    explicit RankRun(const std::string& recipe);
    RankRun(const RankRun&) = delete;
    RankRun& operator=(const RankRun&) = delete;
    /// A test that fails leaves no process behind.
    ~RankRun();

    const RunDirectory& run() const { return *run_; }
    const std::filesystem::path& path() const { return folder_.path(); }

    /// Begins the next attempt: `record` gets its number and this process as its launcher.
    std::unique_ptr<Subprocess> begin(int ranks, AttemptRecord record = {});
    /// Begins one and waits for it.
    ProcessEnd attempt(int ranks, AttemptRecord record = {}) {
        return begin(ranks, record)->wait();
    }
    std::string log(int attempt) const;

  private:
    TemporaryFolder folder_;
    std::unique_ptr<RunDirectory> run_;
};

}  // namespace r1
