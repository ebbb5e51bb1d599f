// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/page_buffer.h"
#include "checkpoint/throttle.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/store/background.h"
#include "mpi_runtime/store/file_places.h"
#include "mpi_runtime/store/save_job.h"
#include "mpi_runtime/store/volume.h"

namespace r1 {

/// What becomes a checkpoint. `state` and `metrics` are the leader's.
struct SaveRequest {
    std::int64_t step = 0;
    bool keep = false;
    std::string state;
    std::map<std::string, double> metrics;
    std::vector<Volume> volumes;
    std::function<void()> before_commit;  ///< the leader's: what must be durable before it exists
};

/// Writes checkpoints of all ranks behind the training's back. save() copies and returns; threads
/// write. At the step boundaries that follow, the ranks agree that all have written, and a thread
/// of rank 0 commits. Every call but on_its_way() is collective.
class CollectiveWriter {
  public:
    struct Options {
        std::filesystem::path checkpoints;
        std::string run_id;
        bool file_a_rank = false;      ///< else a file a node
        std::uint64_t write_rate = 0;  ///< bytes a second of one rank; 0: no bound
    };
    CollectiveWriter(Communicator& comm, Options options);
    /// A save that has not been committed is dropped.
    ~CollectiveWriter();

    /// The checkpoint that the run goes on from: what is frozen in it is linked, not written again.
    void went_on_from(Manifest manifest);

    /// How a save ended.
    struct Ending {
        std::int64_t step = 0;
        bool committed = false;
        std::string problem;  ///< the same on every rank
        double seconds = 0;   ///< that this rank spent on it, waiting for a step's end apart
    };

    /// Copies what the request names into memory of its own and starts to write it. nullopt, or why
    /// it could not begin: nothing is left of it then. No other save may be on its way.
    std::optional<Ending> save(SaveRequest request);
    bool on_its_way() const { return phase_ != Phase::kIdle; }
    /// Looks whether the save on its way has come further; with `wait` it stays until the end.
    /// nullopt while it has not ended.
    std::optional<Ending> advance(bool wait);

  private:
    enum class Phase { kIdle, kWriting, kCommitting };

    bool leader() const { return comm_.rank() == 0; }
    std::string begin_files(std::vector<Volume>& volumes);
    void start(std::function<void()> work);
    bool all_done(bool wait, std::string& problem);
    std::string agree(std::string problem);
    Ending end(std::string problem);

    Communicator& comm_;
    Options options_;
    std::int64_t leader_pid_ = ::getpid();           // until the leader has told its own
    std::vector<std::size_t> file_of_;               // by rank
    std::vector<std::optional<FilePlaces>> places_;  // by volume of the last save
    Throttle throttle_;
    PageBuffer memory_;
    std::optional<Manifest> previous_;  // the leader's
    Phase phase_ = Phase::kIdle;
    std::unique_ptr<SaveJob> job_;
    double seconds_ = 0;  // of the copy, the writing and the commit; the background's while it runs
    Background background_;
};

}  // namespace r1
