// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/saver.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/trainer/saved_state.h"

namespace r1 {

namespace {

CollectiveWriter::Options options_of(const Session& session) {
    const CheckpointSection& section = session.recipe.checkpoint;
    return {session.run.checkpoints(), session.run.run_id(), section.writers == Writers::kRank,
            static_cast<std::uint64_t>(section.write_rate.count)};
}

RetentionPolicy policy_of(const CheckpointSection& section) {
    return {section.keep_last, section.keep_every, section.keep_best, section.best_metric,
            section.best_is == Best::kHighest};
}

}  // namespace

Saver::Saver(Session& session)
    : session_(session),
      writer_(session.comm, options_of(session)),
      retention_(session.run.checkpoints(), policy_of(session.recipe.checkpoint)) {
    if (session.leader()) remove_leftovers(session.run.checkpoints());
}

Saver::~Saver() {
    stop_removing_.request_stop();
}

void Saver::went_on_from(const SavedState& saved) {
    writer_.went_on_from(saved.manifest());
    if (session_.leader()) retention_.resumed_from(saved.step());
}

double Saver::save(Stage& stage, Point point, std::function<void()> sync_logs) {
    const double begin = monotonic_seconds();
    // The disk is slower than the interval: the ranks wait for it here.
    if (writer_.on_its_way()) advance(true);
    const Activity saving("copying a checkpoint");
    Snapshot snapshot(session_.comm);
    Json& state = snapshot.state();
    state["stage"] = point.stage;
    state["stage_name"] = session_.recipe.stages[point.stage].name;
    state["stage_step"] = point.stage_step;
    state["tokenizer"] = session_.tokenizer->fingerprint();
    stage.save(snapshot);
    SaveRequest request;
    request.step = session_.first_step(point.stage) + point.stage_step;
    request.keep = point.keep;
    request.state = snapshot.state_text();
    request.metrics = std::move(point.metrics);
    request.volumes = snapshot.take_volumes();
    request.before_commit = std::move(sync_logs);
    needed_ = point.needed;
    const auto ending = writer_.save(std::move(request));
    pause_ = monotonic_seconds() - begin;
    if (ending)
        ended(*ending);
    else if (needed_)
        advance(true);
    return monotonic_seconds() - begin;
}

void Saver::look() {
    if (writer_.on_its_way()) advance(false);
}

void Saver::advance(bool wait) {
    // Ranks of an attempt that has been superseded must not commit over the newer one.
    std::array<std::int64_t, 2> lost{};
    if (session_.leader())
        lost = {session_.fence.superseded() ? 1 : 0,
                session_.lease && !session_.lease->held() ? 1 : 0};
    session_.comm.all_reduce(lost.data(), lost.size(), ReduceOp::kMax);
    if (lost[0] != 0) session_.fence.refuse();
    if (lost[1] != 0)
        throw Error(ExitCode::kRunFailed, "another process has taken run '" +
                                              session_.run.run_id() +
                                              "' over; `r1ctl status` shows it");
    if (const auto ending = writer_.advance(wait)) ended(*ending);
}

/// Every rank has the same ending, so that all of them throw or none.
void Saver::ended(const CollectiveWriter::Ending& ending) {
    failed_ = ending.committed ? 0 : failed_ + 1;
    if (!ending.committed) {
        const std::string text =
            "checkpoint " + checkpoint_name(ending.step) + " was not written: " + ending.problem;
        if (needed_ || failed_ == session_.recipe.checkpoint.max_failures)
            throw Error(ExitCode::kCheckpoint, "the run cannot be saved: " + text);
        if (session_.leader()) log_error(text);
    } else {
        times_ = Times{pause_, ending.seconds};
        remove_old();
    }
}

/// One removal at a time: what this one leaves, the next commit or the end sees to.
void Saver::remove_old() {
    if (!session_.leader()) return;
    if (!removing_.done()) {
        remove_again_ = true;
        return;
    }
    end_removal();
    remove_again_ = false;
    removing_.start([this] { retention_.apply(stop_removing_.get_token()); });
}

/// What cannot be removed only takes room.
void Saver::end_removal() {
    const std::string problem = removing_.take();
    if (!problem.empty()) log_warning("an old checkpoint was not removed: " + problem);
}

void Saver::finish() {
    if (writer_.on_its_way()) advance(true);
    const Activity removing("removing old checkpoints");
    removing_.wait(beat);
    if (remove_again_) remove_old();
    removing_.wait(beat);
    end_removal();
}

}  // namespace r1
