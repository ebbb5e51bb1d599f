// SPDX-License-Identifier: Apache-2.0
// Private to comm: the connection of a group of ranks by NCCL, and the watch over it.
#pragma once

#include <nccl.h>

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernels/device_watches.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/comm/missing_ranks.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {

/// One NCCL communicator over the ranks of a Communicator, on each rank's current GPU. It does not
/// block: wherever the host waits for the GPU it looks for errors of NCCL and for ranks that do not
/// come. When it finds one, everything on the GPU is given up: NCCL is aborted, so that the GPU is
/// free again, and Error (kLibrary) is thrown; after that only Communicator::abort() is useful.
class NcclLink final : private DeviceWatch {
  public:
    /// Collective: rank 0 makes the id, MPI carries it. Borrows `comm` and `watches`, those of the
    /// GPU. `under_way` says whether the GPU has yet to end one of the collectives: only then may a
    /// rank be missing. At a limit of 0 it waits for ever.
    NcclLink(Communicator& comm, DeviceWatches& watches, double limit_seconds,
             std::function<bool()> under_way);
    NcclLink(const NcclLink&) = delete;
    NcclLink& operator=(const NcclLink&) = delete;
    /// Lets the others finish what is under way; after an error, aborts.
    ~NcclLink();

    ncclComm_t get() const { return comm_; }
    /// Counts a collective, which `what` names. Throws Error after an abort.
    void enter(const char* what);
    /// Makes the calls of NCCL as one, and waits until it has really been made.
    void call(const std::function<void()>& calls);
    /// Passes the code of a call, or throws.
    void check(ncclResult_t code, const char* call);

  private:
    void begin() noexcept override;
    void end() noexcept override;
    void look(double seconds) override;
    void answer(double seconds) override;
    bool idle() override;
    bool asks() const override { return answered_.has_value(); }
    void give_up() noexcept override;
    void end_giving_up() noexcept override;

    void connect();
    /// As check(), and waits until the call has really been made.
    void settle(ncclResult_t code, const char* call);
    /// Throws when NCCL reports an error.
    void look_for_errors();
    /// Asks all ranks where they are, or answers who asks.
    void call_roll();
    /// Throws when the answers tell, or a rank gives none.
    void hear_answers(double seconds);
    [[noreturn]] void fail(ncclResult_t code, const char* call);
    void abort() noexcept;

    Communicator& ranks_;
    DeviceWatches& watches_;
    double limit_;
    std::function<bool()> under_way_;
    std::vector<std::string> names_;
    std::int64_t entered_ = 0;
    const char* what_ = "";
    ncclComm_t comm_ = nullptr;
    bool settling_ = false;
    bool call_open_ = false;
    bool giving_up_ = false;
    int exceptions_at_start_ = std::uncaught_exceptions();
    // Of the roll call that goes on: the own answer, and the seconds left for the others'.
    std::optional<Collective> answered_;
    const char* answered_what_ = "";
    double grace_ = 0;
    // Of the wait that goes on, in its seconds.
    std::optional<CollectiveWait> waiting_;
    double waited_ = 0;
    double patience_ = 0;
    std::optional<double> all_came_at_;
    DeviceWatches::Place place_;
};

}  // namespace r1
