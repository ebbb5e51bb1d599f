// SPDX-License-Identifier: Apache-2.0
// How a run is taken by one process alone. A record that is not there is made with link(2), which
// succeeds once on every file system. One that is there is replaced under flock, where the file
// system has it, after it was looked at under the same lock. Where it has none, or one that holds
// on one host only (Lustre's localflock), the last of two replacements wins: so after a record of
// another host was replaced, and wherever there is no lock, it is read back after a moment, and
// only the one whose record is still there has the run.
#include "checkpoint/lease.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "checkpoint/lease_record.h"
#include "checkpoint/process.h"
#include "common/error.h"
#include "common/text.h"
#include "common/time.h"

namespace r1 {
namespace {

void sleep_seconds(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

[[noreturn]] void refuse(const RunDirectory& run, const LeaseHolder& holder) {
    throw Error(ExitCode::kRunFailed,
                "run '" + run.run_id() + "' is being written by " + describe(holder) +
                    "; wait until it has ended, or end it with `r1ctl cancel " + run.run_id() +
                    "`");
}

/// What became of a record while it was looked at.
enum class Watched { kMoved, kStill, kReplaced };

Watched watch(const RunDirectory& run, const LeaseRecord& record, double seconds) {
    constexpr int kLooks = 30;
    const double end = monotonic_seconds() + seconds;
    while (monotonic_seconds() < end) {
        sleep_seconds(seconds / kLooks);
        const std::optional<LeaseRecord> now = read_lease(run);
        if (!now || now->token != record.token) return Watched::kReplaced;
        if (now->beat != record.beat) return Watched::kMoved;
    }
    return Watched::kStill;
}

/// One process on its way to the record.
class Taker {
  public:
    Taker(const RunDirectory& run, LeaseRecord self, const LeaseTiming& timing)
        : run_(run), self_(std::move(self)), timing_(timing) {}

    void take() {
        while (!try_once()) {
        }
        if (!read_back_) return;
        sleep_seconds(timing_.renew_seconds / 2);
        if (const auto record = read_lease(run_); record && record->token != self_.token)
            refuse(run_, record->holder);
    }

  private:
    // False: look again.
    bool try_once() {
        std::optional<LeaseRecord> record;
        {
            const LeaseLock lock(run_, timing_.watch_seconds);
            if (!lock.may_write()) throw_kept_waiting();
            record = read_lease(run_);
            if (!record) return create_lease(run_, self_);
            if (gives_way(*record)) {
                read_back_ = read_back_ || !lock.excludes();
                write_lease(run_, self_);
                return true;
            }
        }
        read_back_ = true;
        switch (watch(run_, *record, timing_.watch_seconds)) {
            case Watched::kMoved:
                refuse(run_, record->holder);
            case Watched::kStill:
                silent_ = record;
                break;
            case Watched::kReplaced:
                break;
        }
        return false;
    }

    bool gives_way(const LeaseRecord& record) {
        if (record.holder.job != 0 && record.holder.job == self_.holder.job &&
            record.holder.restarts < self_.holder.restarts)
            return true;
        const Life life = life_of(record);
        if (life == Life::kLives) refuse(run_, record.holder);
        return life == Life::kDied || (silent_ && silent_->same_moment(record));
    }

    [[noreturn]] void throw_kept_waiting() const {
        throw Error(ExitCode::kRunFailed, "run '" + run_.run_id() +
                                              "' is being taken by another process, which has "
                                              "kept '" +
                                              run_.writer_lock().string() +
                                              "' locked; see who does with `fuser`");
    }

    const RunDirectory& run_;
    LeaseRecord self_;
    LeaseTiming timing_;
    std::optional<LeaseRecord> silent_;
    bool read_back_ = false;
};

}  // namespace

std::string describe(const LeaseHolder& holder) {
    std::string text = "attempt " + std::to_string(holder.attempt) + " on " +
                       printable(holder.host) + ", pid " + std::to_string(holder.pid);
    if (holder.job != 0) text += " (job " + std::to_string(holder.job) + ")";
    return text;
}

/// The lease while it is held.
class Lease::Holding {
  public:
    Holding(RunDirectory run, LeaseRecord record, const LeaseTiming& timing)
        : run_(std::move(run)), record_(std::move(record)), timing_(timing) {
        Taker(run_, record_, timing_).take();
        renewing_ = std::jthread([this](std::stop_token stop) { renew_until(stop); });
    }
    ~Holding() {
        renewing_.request_stop();
        renewing_.join();
        try {
            const LeaseLock lock(run_, timing_.renew_seconds);
            if (lock.may_write() && held()) remove_lease(run_);
        } catch (const std::exception&) {
            // The next one finds this process dead, or its beat still.
        }
    }
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;

    bool held() {
        if (lost_) return false;
        try {
            const auto record = read_lease(run_);
            lost_ = !record || record->token != record_.token;
        } catch (const std::exception&) {
            // A file system that hangs for a moment takes the run from nobody.
        }
        return !lost_;
    }

  private:
    void renew_until(std::stop_token stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock<std::mutex> own(mutex);
        const std::chrono::duration<double> pause(timing_.renew_seconds);
        while (!lost_) {
            wake.wait_for(own, stop, pause, [] { return false; });
            if (stop.stop_requested()) return;
            renew();
        }
    }

    void renew() {
        try {
            const LeaseLock lock(run_, timing_.renew_seconds);
            if (!lock.may_write() || !held()) return;
            ++record_.beat;
            write_lease(run_, record_);
        } catch (const std::exception&) {
            // As on a full disk. The next beat may succeed; if none does, the run can be taken.
        }
    }

    RunDirectory run_;
    LeaseRecord record_;  // its beat is the renewing thread's
    LeaseTiming timing_;
    std::atomic<bool> lost_ = false;
    std::jthread renewing_;
};

Lease::Lease(RunDirectory run, LeaseHolder self, Timing timing) {
    LeaseRecord record{std::move(self), process_namespace(), lease_token()};
    holding_ = std::make_unique<Holding>(std::move(run), std::move(record), timing);
}
Lease::~Lease() = default;

bool Lease::held() {
    return holding_->held();
}

std::optional<LeaseHolder> living_holder(const RunDirectory& run, LeaseTiming timing) {
    while (const std::optional<LeaseRecord> record = read_lease(run)) {
        const Life life = life_of(*record);
        if (life == Life::kDied) return std::nullopt;
        if (life == Life::kLives) return record->holder;
        const Watched watched = watch(run, *record, timing.watch_seconds);
        if (watched == Watched::kMoved) return record->holder;
        if (watched == Watched::kStill) return std::nullopt;
    }
    return std::nullopt;
}

std::optional<LeaseHolder> lease_holder(const RunDirectory& run) {
    const std::optional<LeaseRecord> record = read_lease(run);
    if (!record || life_of(*record) == Life::kDied) return std::nullopt;
    return record->holder;
}

}  // namespace r1
