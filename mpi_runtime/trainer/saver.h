// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "checkpoint/retention.h"
#include "mpi_runtime/store/collective_writer.h"
#include "mpi_runtime/trainer/stage.h"

namespace r1 {

/// Writes the run's checkpoints, behind the training's back, and removes old ones. Every call is
/// collective. A periodic save that fails costs nothing but safety, so training goes on. Throws
/// Error when a save that was needed fails, when `checkpoint.max_failures` fail in a row, and when
/// the attempt is superseded.
class Saver {
  public:
    explicit Saver(Session& session);
    /// A save that does not exist yet is dropped; a removal that is at work ends early.
    ~Saver();

    /// The checkpoint that the run goes on from.
    void went_on_from(const SavedState& saved);

    struct Point {
        std::size_t stage = 0;
        std::int64_t stage_step = 0;  ///< steps of that stage that are done
        bool keep = false;            ///< for ever
        bool needed = false;          ///< a later stage or a resume counts on it
        std::map<std::string, double> metrics;
    };
    /// Saves the stage at work: copies it and lets the training go on, or waits until the
    /// checkpoint exists when it is needed. `sync_logs` makes the lines of the steps so far durable
    /// before it does; a thread of the leader calls it. Returns the seconds for which the ranks
    /// stood still.
    double save(Stage& stage, Point point, std::function<void()> sync_logs);
    /// At a step's end: lets a save on its way come further.
    void look();
    bool on_its_way() const { return writer_.on_its_way(); }
    /// What the save took that came to its end last, by this rank's clock, in seconds; once.
    struct Times {
        double pause = 0;  ///< for which the ranks stood still to copy
        double total = 0;  ///< with the writing behind their back
    };
    std::optional<Times> take_times() { return std::exchange(times_, std::nullopt); }
    /// Waits for what still is at work, the removal of old checkpoints too.
    void finish();

  private:
    void advance(bool wait);
    void ended(const CollectiveWriter::Ending& ending);
    void remove_old();
    void end_removal();

    Session& session_;
    CollectiveWriter writer_;
    Retention retention_;  // the leader's
    std::stop_source stop_removing_;
    Background removing_;  // the leader's
    bool remove_again_ = false;
    std::int64_t failed_ = 0;  // in a row
    bool needed_ = false;      // the save on its way
    double pause_ = 0;         // that it made
    std::optional<Times> times_;
};

}  // namespace r1
