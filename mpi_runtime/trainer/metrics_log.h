// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "common/file.h"
#include "common/json.h"

namespace r1 {

/// A JSON-lines file with a "step" on every line, appended by one writer. Lines beyond the step
/// from which a run goes on are dropped when it opens: they will be written again.
class StepLog {
  public:
    StepLog(const std::filesystem::path& path, std::int64_t keep_up_to_step);
    /// Adds "schema" and "time_ms" to the line.
    void append(const Json& line);
    void sync() { out_.sync(); }

  private:
    LineAppender out_;
};

}  // namespace r1
