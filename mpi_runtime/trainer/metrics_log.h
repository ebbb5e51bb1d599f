// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <filesystem>
#include <mutex>
#include <string>

#include "common/file.h"
#include "common/json.h"

namespace r1 {

/// A JSON-lines file with a "step" on every line, appended by one writer. Lines beyond the step
/// from which a run goes on are dropped when it opens: they will be written again.
class StepLog {
  public:
    StepLog(const std::filesystem::path& path, std::int64_t keep_up_to_step);
    /// Adds "schema" and "time_ms" to the line. A line that cannot be written, as on a full disk,
    /// is kept and tried again with the next one: training goes on, and the log says so once.
    void append(const Json& line);
    /// Before a checkpoint exists, every line up to it does: another thread may call it while lines
    /// are appended. Throws Error when that cannot be.
    void sync();

  private:
    void write_waiting();

    std::mutex mutex_;
    LineAppender out_;
    std::deque<std::string> waiting_;  // about 1 KB a step; saving fails as long as there are any
    bool complained_ = false;
};

/// The largest value of a key in a file of JSON lines; 0 when no line has it.
double longest_in(const std::filesystem::path& path, const char* key);

}  // namespace r1
