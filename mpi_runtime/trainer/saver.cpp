// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/saver.h"

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {

namespace {

constexpr int kMaxFailedSaves = 3;

}  // namespace

Saver::Saver(Session& session) : session_(session) {
    if (session.leader())
        writer_ = make_hdf5_checkpoint_writer(session.run.checkpoints(), session.run.run_id());
}

double Saver::save(Stage& stage, const Point& point, const std::function<void()>& sync_logs) {
    const double begin = monotonic_seconds();
    auto result = static_cast<std::int64_t>(Result::kSaved);
    if (session_.leader()) result = static_cast<std::int64_t>(write(stage, point, sync_logs));
    session_.comm.all_reduce(&result, 1, ReduceOp::kMax);
    if (result == static_cast<std::int64_t>(Result::kSuperseded)) session_.fence.refuse();
    failed_ = result == static_cast<std::int64_t>(Result::kFailed) ? failed_ + 1 : 0;
    if (session_.leader() && failed_ > 0 && (point.needed || failed_ == kMaxFailedSaves))
        throw Error(ExitCode::kCheckpoint, "the run cannot be saved: " + failure_);
    return monotonic_seconds() - begin;
}

/// On the leader alone.
Saver::Result Saver::write(Stage& stage, const Point& point,
                           const std::function<void()>& sync_logs) {
    // A disk that does not answer holds the leader here: the watchdog then names it with this.
    const Activity saving("writing a checkpoint (does its disk answer?)");
    const std::int64_t step = session_.first_step(point.stage) + point.stage_step;
    try {
        Snapshot snapshot;
        Json& state = snapshot.state();
        state["stage"] = point.stage;
        state["stage_name"] = session_.recipe.stages[point.stage].name;
        state["stage_step"] = point.stage_step;
        state["tokenizer"] = session_.tokenizer->fingerprint();
        stage.save(snapshot);
        if (session_.fence.superseded()) return Result::kSuperseded;
        sync_logs();
        beat();
        writer_->save(step, point.keep, snapshot.state_text(), snapshot.tensors());
    } catch (const Error& error) {
        failure_ = error.what();
        log_error("checkpoint " + checkpoint_name(step) + " was not written: " + failure_);
        return Result::kFailed;
    }
    beat();
    remove_old();
    return Result::kSaved;
}

/// What cannot be removed only takes room.
void Saver::remove_old() {
    try {
        writer_->retain(session_.recipe.checkpoint.keep_last);
    } catch (const Error& error) {
        log_warning(std::string("an old checkpoint was not removed: ") + error.what());
    }
}

}  // namespace r1
