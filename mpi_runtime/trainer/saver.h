// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "checkpoint/checkpoint.h"
#include "mpi_runtime/trainer/stage.h"

namespace r1 {

/// Writes the run's checkpoints and removes old ones.
class Saver {
  public:
    explicit Saver(Session& session);

    struct Point {
        std::size_t stage = 0;
        std::int64_t stage_step = 0;  ///< steps of that stage that are done
        bool keep = false;            ///< for ever
        bool needed = false;          ///< a later stage or a resume counts on it
    };
    /// Saves the stage at work. `sync_logs` makes the lines of the steps so far durable: the leader
    /// calls it before the checkpoint exists. Collective. Returns the seconds it took. A periodic
    /// save that fails costs nothing but safety, so training goes on: throws Error when the save
    /// was needed, when it was the third to fail in a row, and when the attempt is superseded.
    double save(Stage& stage, const Point& point, const std::function<void()>& sync_logs);

  private:
    enum class Result : std::int64_t { kSaved, kFailed, kSuperseded };
    Result write(Stage& stage, const Point& point, const std::function<void()>& sync_logs);
    void remove_old();

    Session& session_;
    std::unique_ptr<CheckpointWriter> writer_;  // the leader's
    int failed_ = 0;                            // in a row
    std::string failure_;
};

}  // namespace r1
