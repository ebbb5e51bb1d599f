// SPDX-License-Identifier: Apache-2.0
// Where ranks are started. The local implementation runs mpirun on this machine.
#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/subprocess.h"

namespace r1 {

/// What to start: `ranks` copies of the rank program with these arguments.
struct LaunchRequest {
    std::filesystem::path rank_program;
    std::vector<std::string> arguments;
    std::int64_t ranks = 1;
    std::int64_t threads_per_rank = 1;
    std::filesystem::path log;  ///< stdout and stderr of every rank are appended here
};

/// Ranks that were started. Once it has ended, or has been destroyed, no rank is left. When this
/// process dies instead, the ranks are asked to save and to stop, as by request_stop().
class Launch {
  public:
    virtual ~Launch() = default;
    /// nullopt while it runs.
    virtual std::optional<ProcessEnd> poll() = 0;
    virtual ProcessEnd wait() = 0;
    /// Asks every rank to save at the next step boundary and to stop. Call it once ranks.json of
    /// the attempt exists: before that the ranks do not listen yet.
    virtual void request_stop() = 0;
    /// Ends every rank at once; returns when they are gone.
    virtual void kill() = 0;
};

class Launcher {
  public:
    virtual ~Launcher() = default;
    virtual const char* name() const = 0;
    /// Throws Error (kScheduler) when nothing could be started.
    virtual std::unique_ptr<Launch> launch(const LaunchRequest& request) = 0;
};

/// Call launch() from the thread that lives longest: the ranks are told when that thread ends.
std::unique_ptr<Launcher> make_local_launcher();

}  // namespace r1
