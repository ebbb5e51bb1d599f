// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "mpi_runtime/trainer/hang.h"

namespace r1 {

/// Ends the job when its ranks make no progress: a thread beside the main one, which beats (see
/// comm/progress.h). It speaks to the other ranks' watchdogs through files in the attempt's folder
/// alone, so that it works before MPI is up and when MPI hangs.
///
/// A rank that is silent for the limit calls the roll. All that live answer; after a grace the
/// caller decides. When one hangs, the caller writes error-rank<N>.json in its name and leaves
/// without MPI_Finalize, upon which mpirun or srun ends the others, a stopped process too. When
/// the ranks that it waits for still work, it goes on waiting. Should the caller itself be stuck,
/// another silent rank calls anew.
class Watchdog {
  public:
    struct Post {
        RunDirectory run;
        int attempt = 0;
        int rank = 0;
        int ranks = 1;
        double limit_seconds = 0;  ///< above 0
    };
    /// Starts the thread. Make it in the main thread before MPI is started, at most one at a time.
    explicit Watchdog(Post post);
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    /// Stops it.
    ~Watchdog();

  private:
    struct Call {
        std::string id;
        double since = 0;    ///< seconds, when this rank saw it first
        double silence = 0;  ///< of this rank at that time
        bool own = false;
    };

    void watch();
    void look();
    void answer_call();
    void call_the_roll();
    void conclude();
    void end_because_of(int suspect, const Answers& answers);
    [[noreturn]] void leave(const std::string& why);

    Post post_;
    double grace_;     // seconds from a call to its end
    double interval_;  // seconds between two looks
    Silence silence_;
    double patience_;  // seconds of silence after which it calls
    int calls_ = 0;
    std::optional<Call> call_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace r1
