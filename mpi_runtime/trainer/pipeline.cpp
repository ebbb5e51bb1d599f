// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/pipeline.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "checkpoint/attempt.h"
#include "checkpoint/checkpoint.h"
#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/store/newest_verified.h"
#include "mpi_runtime/trainer/evaluation.h"
#include "mpi_runtime/trainer/metrics_log.h"
#include "mpi_runtime/trainer/save_clock.h"
#include "mpi_runtime/trainer/saved_state.h"
#include "mpi_runtime/trainer/saver.h"
#include "mpi_runtime/trainer/stage.h"
#include "mpi_runtime/trainer/step_boundary.h"

namespace r1 {

namespace {

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
    void save(Stage& stage, std::int64_t done, bool needed);
    void note_save();
    bool evaluation_is_due(std::int64_t done) const;
    void open_logs();
    void log_step(std::int64_t done, const Metrics& metrics, double seconds);
    void log_evaluation(Stage& stage, std::int64_t done, const char* when);
    const StageSection& section() const { return session_.recipe.stages[index_]; }
    std::int64_t global_step(std::int64_t done) const { return session_.first_step(index_) + done; }

    Session& session_;
    int attempt_;
    StepBoundary boundary_;
    Saver saver_;
    SaveClock clock_;
    std::optional<StepLog> metrics_;      // the leader's
    std::optional<StepLog> evaluations_;  // the leader's
    std::optional<SavedState> saved_;     // until its stage has taken it
    std::size_t index_ = 0;               // of the stage at work
    std::int64_t next_step_ = 0;          // of that stage
    bool steps_begun_ = false;
    std::map<std::string, double> figures_;  // of the last step, for what is saved after it
    std::map<std::string, double> waiting_;  // of saves, until a line has them
    StopReason stop_ = StopReason::kNone;
};

Pipeline::Pipeline(Session& session, int attempt)
    : session_(session),
      attempt_(attempt),
      boundary_(session, attempt),
      saver_(session),
      clock_(session.recipe.checkpoint, session.comm.size(), monotonic_seconds()) {
    find_position();
    if (session.leader()) open_logs();
}

/// Lines of steps that will be done again go; they are not this attempt's when it is superseded.
void Pipeline::open_logs() {
    if (session_.fence.superseded()) session_.fence.refuse();
    note_from_step(session_.run, attempt_, saved_ ? saved_->step() : 0);
    const std::int64_t done = saved_ ? saved_->step() : -1;
    metrics_.emplace(session_.run.metrics(), done);
    evaluations_.emplace(session_.run.evaluations(), done);
}

void Pipeline::find_position() {
    const std::filesystem::path& checkpoints = session_.run.checkpoints();
    const auto step = newest_verified(session_.comm, checkpoints);
    if (!step) return;
    saved_.emplace(checkpoints / checkpoint_name(*step));
    take_position(saved_->state());
    saver_.went_on_from(*saved_);
    if (session_.leader())
        log_info("going on from the checkpoint of step " + std::to_string(*step));
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
    while (index_ < boundary_.end_stage()) {
        const bool done_before = next_step_ == section().steps;
        if (!done_before && !run_stage(index_))
            return {Outcome::kStopped, global_step(next_step_), utc_milliseconds(), stop_};
        saved_.reset();
        boundary_.begin_stage();
        ++index_;
        next_step_ = 0;
    }
    saver_.finish();
    const std::int64_t step = global_step(next_step_);
    if (index_ == session_.recipe.stages.size())
        return {Outcome::kCompleted, step, utc_milliseconds(), StopReason::kNone};
    return {Outcome::kStopped, step, utc_milliseconds(), StopReason::kNextJob};
}

bool Pipeline::run_stage(std::size_t index) {
    std::optional<Activity> doing(std::in_place, "reading what the stage begins with");
    const std::unique_ptr<Stage> stage =
        make_stage(session_, index, saved_ ? Beginning::kRestored : Beginning::kOfRecipe);
    if (session_.leader())
        log_info("stage " + section().name + ": steps " + std::to_string(next_step_ + 1) + " to " +
                 std::to_string(section().steps));
    if (saved_)
        stage->restore(*saved_);
    else if (index == 0)
        log_evaluation(*stage, 0, "start");
    // What an attempt does before its first step is not part of a step.
    if (!steps_begun_) boundary_.begin_steps();
    steps_begun_ = true;
    saved_.reset();
    doing.reset();
    const Activity training("training");
    while (next_step_ < section().steps) {
        const double begin = monotonic_seconds();
        const Metrics metrics = stage->step(next_step_);
        ++next_step_;
        figures_ = {metrics.begin(), metrics.end()};
        log_step(next_step_, metrics, monotonic_seconds() - begin);
        if (!after_step(*stage, next_step_)) return false;
    }
    return true;
}

bool Pipeline::evaluation_is_due(std::int64_t done) const {
    const std::int64_t every = session_.recipe.evaluation.every_steps;
    return done == section().steps || (every > 0 && done % every == 0);
}

/// Evaluates and saves where the recipe says so. False when the ranks agreed to stop.
bool Pipeline::after_step(Stage& stage, std::int64_t done) {
    const bool last = done == section().steps;
    if (evaluation_is_due(done)) log_evaluation(stage, done, last ? "stage" : "interval");
    saver_.look();
    note_save();
    const StepBoundary::Decision decision = boundary_.decide(
        evaluation_is_due(done + 1), clock_.due(done, monotonic_seconds(), saver_.on_its_way()));
    const bool stop = decision.stop != StopReason::kNone;
    if (last || stop || decision.save) save(stage, done, last || stop);
    // Whoever asked to stop at the last step of all has what they wanted.
    const bool all_done = last && index_ + 1 == boundary_.end_stage();
    if (!stop || all_done) return true;
    stop_ = decision.stop;
    if (session_.leader())
        log_info("stopped after saving step " + std::to_string(global_step(done)));
    return false;
}

void Pipeline::save(Stage& stage, std::int64_t done, bool needed) {
    clock_.save_began(monotonic_seconds());
    const bool last = done == section().steps;
    const double pause = saver_.save(stage, {index_, done, last, needed, figures_}, [this] {
        metrics_->sync();
        evaluations_->sync();
    });
    boundary_.paused(pause);
    waiting_["timing_s/save"] = pause;
    note_save();
}

/// What the last save took, once it has come to its end.
void Pipeline::note_save() {
    const std::optional<Saver::Times> times = saver_.take_times();
    if (!times) return;
    boundary_.save_took(times->total);
    clock_.save_ended(times->pause, times->total);
    waiting_["timing_s/checkpoint"] = times->total;
}

void Pipeline::log_step(std::int64_t done, const Metrics& metrics, double seconds) {
    if (!session_.leader() || session_.fence.superseded()) return;
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
    for (const auto& [name, value] : std::exchange(waiting_, {})) line[name] = value;
    metrics_->append(line);
}

void Pipeline::log_evaluation(Stage& stage, std::int64_t done, const char* when) {
    Actor* actor = stage.actor();
    if (actor == nullptr) return;
    const double begin = monotonic_seconds();
    const EvaluationResult result = evaluate(session_, *actor, session_.recipe.evaluation);
    const double seconds = monotonic_seconds() - begin;
    boundary_.evaluation_took(seconds);
    const Json figures = to_json(result);
    for (const auto& [name, value] : figures.items())
        if (value.is_number()) figures_[name] = value.get<double>();
    if (!session_.leader() || session_.fence.superseded()) return;
    Json line;
    line["step"] = global_step(done);
    line["stage"] = section().name;
    line["when"] = when;
    line.update(figures);
    line["timing_s/evaluation"] = seconds;
    evaluations_->append(line);
}

}  // namespace

OutcomeRecord run_pipeline(Session& session, int attempt) {
    return Pipeline(session, attempt).run();
}

}  // namespace r1
