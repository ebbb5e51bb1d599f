// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/watchdog.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "checkpoint/attempt.h"
#include "common/error.h"
#include "common/host.h"
#include "common/json.h"
#include "common/log.h"
#include "common/time.h"
#include "common/units.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/trainer/fence.h"

namespace r1 {

namespace {

/// The grace is a tenth of the limit within these bounds, in seconds. The longest one outlasts what
/// NFS remembers of a folder (a minute); the shortest one gives a busy machine time to answer.
constexpr double kShortestGrace = 1;
constexpr double kLongestGrace = 120;
/// Seconds between two looks, at most: each is one question to the file system from every rank.
constexpr double kLongestInterval = 10;

/// While it lives, the process ends by SIGALRM after so many seconds: file access can hang on a
/// disk that does not answer, and a watchdog that hangs is none. Not a handler of ours: only a
/// signal that kills interrupts such a wait.
class FileAccess {
  public:
    explicit FileAccess(double seconds) { ::alarm(static_cast<unsigned>(std::ceil(seconds)) + 1); }
    FileAccess(const FileAccess&) = delete;
    FileAccess& operator=(const FileAccess&) = delete;
    ~FileAccess() { ::alarm(0); }
};

std::string text_of(double seconds) {
    return to_string(Duration{static_cast<std::int64_t>(std::llround(seconds))});
}

std::string node_of(const Watchdog::Post& post, int rank) {
    for (const RankPlace& place : read_ranks(post.run, post.attempt))
        if (place.rank == rank) return place.host;
    return "an unknown node";
}

}  // namespace

Watchdog::Watchdog(Post post)
    : post_(std::move(post)),
      grace_(std::clamp(post_.limit_seconds / 10, kShortestGrace, kLongestGrace)),
      interval_(std::min(post_.limit_seconds / 20, kLongestInterval)),
      silence_(3 * interval_),
      patience_(post_.limit_seconds) {
    // The signals that ask for a stop are the main thread's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { watch(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Watchdog::watch() {
    bool complained = false;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::duration<double>(interval_),
                           [this] { return ending_; })) {
        try {
            look();
        } catch (const std::exception& error) {
            if (!complained) log_warning(std::string("the watchdog: ") + error.what());
            complained = true;
            // Nobody can be asked, but this rank's own main thread is stuck for certain.
            if (silence_.seconds() >= 2 * post_.limit_seconds && !look_at_progress().in_collective)
                leave("made no progress while " + std::string(look_at_progress().activity));
        }
    }
}

void Watchdog::look() {
    silence_.look(monotonic_seconds(), look_at_progress().beats);
    if (silence_.seconds() == 0) patience_ = post_.limit_seconds;
    const FileAccess access(post_.limit_seconds);
    answer_call();
    const bool silent = silence_.seconds() >= post_.limit_seconds;
    if (call_ && call_->own) {
        // By its silence and not by the clock: a job that is suspended meanwhile gives no answers.
        if (!silent || silence_.seconds() - call_->silence >= grace_) conclude();
        return;
    }
    const double called_for = call_ ? monotonic_seconds() - call_->since : 0;
    const bool failed =
        (silent || called_for >= 2 * grace_) && !read_rank_errors(post_.run, post_.attempt).empty();
    // The launcher ends the job, but Slurm gives ranks that wait for a dead one half a minute.
    if (failed && called_for >= 2 * grace_) leave("another rank hangs");
    if (failed && silence_.seconds() >= post_.limit_seconds + 3 * grace_)
        leave("another rank failed");
    if (failed || !silent) return;
    if (called_for >= 3 * grace_) {
        ::unlink(post_.run.attempt_roll_call(post_.attempt).c_str());
        call_.reset();
        patience_ = post_.limit_seconds;
    }
    if (!call_ && silence_.seconds() >= patience_) call_the_roll();
}

/// Answers a call that is new. Somebody else's call decides for this rank's doubts too.
void Watchdog::answer_call() {
    const auto path = post_.run.attempt_roll_call(post_.attempt);
    const std::optional<Json> record =
        exists_now(path) ? read_record(path, 1) : std::optional<Json>();
    const std::string id = record ? record->value("id", "") : "";
    if (id.empty()) {
        call_.reset();
        return;
    }
    if (call_ && call_->id == id) return;
    const Progress now = look_at_progress();
    if (now.in_collective) patience_ = silence_.seconds() + post_.limit_seconds;
    const bool own = id == "rank " + std::to_string(post_.rank) + ", " + std::to_string(calls_);
    call_ = Call{id, monotonic_seconds(), silence_.seconds(), own};
    // Decided: a suspect that the launcher wakes to end it must not clear itself.
    if (!read_rank_errors(post_.run, post_.attempt).empty()) return;
    write_sign_of_life(post_.run, post_.attempt,
                       {post_.rank, node_name(), now.activity, now.in_collective, now.collectives,
                        silence_.seconds(), id});
}

/// One rank's call at a time: the first file stands. It gets its name when it is whole.
void Watchdog::call_the_roll() {
    const auto path = post_.run.attempt_roll_call(post_.attempt);
    const auto mine = path.string() + "-rank" + std::to_string(post_.rank);
    const std::string id = "rank " + std::to_string(post_.rank) + ", " + std::to_string(++calls_);
    write_record(mine, {{"schema", 1}, {"id", id}});
    const bool first = ::link(mine.c_str(), path.c_str()) == 0;
    ::unlink(mine.c_str());
    if (first) answer_call();
}

void Watchdog::conclude() {
    const Answers answers = read_answers(post_.run, post_.attempt, post_.ranks, call_->id);
    const auto suspect = find_suspect(answers, post_.limit_seconds);
    // Unless it went on meanwhile.
    if (suspect && silence_.seconds() >= post_.limit_seconds) end_because_of(*suspect, answers);
    ::unlink(post_.run.attempt_roll_call(post_.attempt).c_str());
    call_.reset();
    patience_ = silence_.seconds() + post_.limit_seconds;
}

void Watchdog::end_because_of(int suspect, const Answers& answers) {
    const auto& answer = answers[static_cast<std::size_t>(suspect)];
    RankError error;
    error.rank = suspect;
    error.host = answer ? answer->node : node_of(post_, suspect);
    error.message = "made no progress for " + text_of(post_.limit_seconds);
    error.message += answer ? " while " + answer->activity
                            : " and gives no sign of life: it or its node is frozen or gone";
    error.message += "; found by the watchdog of rank " + std::to_string(post_.rank);
    error.exit_code = static_cast<int>(ExitCode::kLibrary);
    error.hung = true;
    if (!exists_now(post_.run.attempt_error(post_.attempt, suspect)))
        write_rank_error(post_.run, post_.attempt, error);
    leave("rank " + std::to_string(suspect) + " on " + error.host + " " + error.message);
}

void Watchdog::leave(const std::string& why) {
    log_error(why + "; the watchdog ends the job");
    std::fflush(nullptr);
    std::_Exit(static_cast<int>(ExitCode::kLibrary));
}

}  // namespace r1
