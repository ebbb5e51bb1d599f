// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/pipeline.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/checkpoint.h"
#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "mpi_runtime/trainer/evaluation.h"
#include "mpi_runtime/trainer/metrics_log.h"
#include "mpi_runtime/trainer/stage.h"
#include "mpi_runtime/trainer/stop_request.h"

namespace r1 {

namespace {

constexpr int kMaxFailedSaves = 3;

class Pipeline {
  public:
    Pipeline(Session& session, int attempt);
    OutcomeRecord run();

  private:
    void find_position();
    void take_position(const Json& state);
    /// False when a stop was agreed on.
    bool run_stage(std::size_t index);
    bool after_step(Stage& stage, std::int64_t done);
    void save(Stage& stage, std::int64_t done, bool keep, bool needed);
    void remove_old_checkpoints();
    bool agree(bool mine);
    bool time_is_up() const;
    void log_step(std::int64_t done, const Metrics& metrics, double seconds);
    void log_evaluation(Stage& stage, std::int64_t done, const char* when);
    const StageSection& section() const { return session_.recipe.stages[index_]; }
    std::int64_t global_step(std::int64_t done) const { return session_.first_step(index_) + done; }

    Session& session_;
    int attempt_;
    std::optional<AttemptRecord> record_;  // the leader's
    double begin_ = monotonic_seconds();
    std::unique_ptr<CheckpointWriter> writer_;  // the leader's
    std::optional<StepLog> metrics_;            // the leader's
    std::optional<StepLog> evaluations_;        // the leader's
    std::optional<SavedState> saved_;           // until its stage has taken it
    std::size_t index_ = 0;                     // of the stage at work
    std::int64_t next_step_ = 0;                // of that stage
    int failed_saves_ = 0;
};

Pipeline::Pipeline(Session& session, int attempt) : session_(session), attempt_(attempt) {
    if (session.leader())
        writer_ = make_hdf5_checkpoint_writer(session.run.checkpoints(), session.run.run_id());
    find_position();
    if (!session.leader()) return;
    record_ = read_attempt(session.run, attempt);
    const std::int64_t done = saved_ ? saved_->step() : -1;
    metrics_.emplace(session.run.metrics(), done);
    evaluations_.emplace(session.run.evaluations(), done);
}

void Pipeline::find_position() {
    // One rank decides what verifies; the others take its word and verify what they read.
    std::int64_t step = -1;
    if (session_.leader()) {
        std::vector<Rejected> rejected;
        step = latest_verified(session_.run.checkpoints(), rejected).value_or(-1);
        for (const Rejected& one : rejected)
            log_warning("checkpoint " + checkpoint_name(one.step) + " is not used: " + one.reason);
    }
    session_.comm.broadcast(&step, sizeof step, 0);
    if (step < 0) return;
    saved_.emplace(session_.run.checkpoints() / checkpoint_name(step));
    take_position(saved_->state());
    if (session_.leader()) log_info("going on from the checkpoint of step " + std::to_string(step));
}

/// The checkpoint's bytes are what was written; that it fits this recipe is checked here.
void Pipeline::take_position(const Json& state) {
    const std::string which = "the checkpoint of step " + std::to_string(saved_->step());
    std::string stage;
    try {
        stage = state.at("stage_name").get<std::string>();
        index_ = state.at("stage").get<std::size_t>();
        next_step_ = state.at("stage_step").get<std::int64_t>();
        if (state.at("tokenizer") != session_.tokenizer->fingerprint())
            throw Error(ExitCode::kCheckpoint, which + " was written with another tokenizer");
    } catch (const Json::exception& error) {
        throw Error(ExitCode::kCheckpoint, which + " lacks a counter: " + error.what());
    }
    const bool fits = index_ < session_.recipe.stages.size() && section().name == stage &&
                      next_step_ >= 0 && next_step_ <= section().steps &&
                      global_step(next_step_) == saved_->step();
    if (!fits)
        throw Error(ExitCode::kCheckpoint,
                    which + " was written in stage '" + stage + "' at its step " +
                        std::to_string(next_step_) +
                        ", which the recipe does not have; was the frozen recipe changed?");
}

OutcomeRecord Pipeline::run() {
    for (; index_ < session_.recipe.stages.size(); ++index_, next_step_ = 0) {
        const bool done_before = next_step_ == section().steps;
        if (!done_before && !run_stage(index_)) {
            const std::int64_t step = global_step(next_step_);
            return {Outcome::kStopped, step, utc_milliseconds()};
        }
        saved_.reset();
    }
    return {Outcome::kCompleted, session_.total_steps(), utc_milliseconds()};
}

bool Pipeline::run_stage(std::size_t index) {
    const std::unique_ptr<Stage> stage =
        make_stage(session_, index, saved_ ? Beginning::kRestored : Beginning::kOfRecipe);
    if (session_.leader())
        log_info("stage " + section().name + ": steps " + std::to_string(next_step_ + 1) + " to " +
                 std::to_string(section().steps));
    if (saved_)
        stage->restore(*saved_);
    else if (index == 0)
        log_evaluation(*stage, 0, "start");
    saved_.reset();
    while (next_step_ < section().steps) {
        const double begin = monotonic_seconds();
        const Metrics metrics = stage->step(next_step_);
        ++next_step_;
        log_step(next_step_, metrics, monotonic_seconds() - begin);
        if (!after_step(*stage, next_step_)) return false;
    }
    return true;
}

/// Evaluates and saves where the recipe says so. False when the ranks agreed to stop.
bool Pipeline::after_step(Stage& stage, std::int64_t done) {
    const bool last = done == section().steps;
    const auto due = [&](std::int64_t every) { return every > 0 && done % every == 0; };
    if (last)
        log_evaluation(stage, done, "stage");
    else if (due(session_.recipe.evaluation.every_steps))
        log_evaluation(stage, done, "interval");
    const bool stop =
        agree(stop_requested() || time_is_up() || (record_ && launcher_is_gone(*record_)));
    if (last || stop || due(session_.recipe.checkpoint.every_steps))
        save(stage, done, last, last || stop);
    const bool all_done = last && index_ + 1 == session_.recipe.stages.size();
    if (!stop || all_done) return true;
    if (session_.leader())
        log_info("stopped after saving step " + std::to_string(global_step(done)));
    return false;
}

/// A periodic save that fails costs nothing but safety, so training goes on; one that a later stage
/// or a resume counts on must succeed.
void Pipeline::save(Stage& stage, std::int64_t done, bool keep, bool needed) {
    Snapshot snapshot;
    Json& state = snapshot.state();
    state["stage"] = index_;
    state["stage_name"] = section().name;
    state["stage_step"] = done;
    state["tokenizer"] = session_.tokenizer->fingerprint();
    std::string failure;
    if (session_.leader()) {
        try {
            stage.save(snapshot);
            metrics_->sync();
            evaluations_->sync();
            writer_->save(global_step(done), keep, snapshot.state_text(), snapshot.tensors());
        } catch (const Error& error) {
            failure = error.what();
            log_error("checkpoint " + checkpoint_name(global_step(done)) +
                      " was not written: " + failure);
        }
        if (failure.empty()) remove_old_checkpoints();
    }
    failed_saves_ = agree(!failure.empty()) ? failed_saves_ + 1 : 0;
    if (session_.leader() && failed_saves_ > 0 && (needed || failed_saves_ == kMaxFailedSaves))
        throw Error(ExitCode::kCheckpoint, "the run cannot be saved: " + failure);
}

/// What cannot be removed only takes room.
void Pipeline::remove_old_checkpoints() {
    try {
        writer_->retain(session_.recipe.checkpoint.keep_last);
    } catch (const Error& error) {
        log_warning(std::string("an old checkpoint was not removed: ") + error.what());
    }
}

bool Pipeline::agree(bool mine) {
    std::int64_t any = mine ? 1 : 0;
    session_.comm.all_reduce(&any, 1, ReduceOp::kMax);
    return any != 0;
}

bool Pipeline::time_is_up() const {
    const std::int64_t limit = session_.recipe.resources.time_limit.seconds;
    return limit > 0 && monotonic_seconds() - begin_ >= static_cast<double>(limit);
}

void Pipeline::log_step(std::int64_t done, const Metrics& metrics, double seconds) {
    if (!session_.leader()) return;
    Json line;
    line["attempt"] = attempt_;
    line["step"] = global_step(done);
    line["total_steps"] = session_.total_steps();
    line["stage"] = section().name;
    line["kind"] = to_name(section().kind);
    line["stage_step"] = done;
    line["stage_steps"] = section().steps;
    for (const auto& [name, value] : metrics) line[name] = value;
    line["timing_s/step"] = seconds;
    metrics_->append(line);
}

void Pipeline::log_evaluation(Stage& stage, std::int64_t done, const char* when) {
    Actor* actor = stage.actor();
    if (actor == nullptr) return;
    const double begin = monotonic_seconds();
    const EvaluationResult result = evaluate(session_, *actor, session_.recipe.evaluation);
    if (!session_.leader()) return;
    Json line;
    line["step"] = global_step(done);
    line["stage"] = section().name;
    line["when"] = when;
    line.update(to_json(result));
    line["timing_s/evaluation"] = monotonic_seconds() - begin;
    evaluations_->append(line);
}

}  // namespace

OutcomeRecord run_pipeline(Session& session, int attempt) {
    return Pipeline(session, attempt).run();
}

}  // namespace r1
