// SPDX-License-Identifier: Apache-2.0
// Private to comm: the connection of a group of ranks by NCCL, and the watch over it.
#pragma once

#include <nccl.h>

#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/comm/missing_ranks.h"

namespace r1 {

/// One NCCL communicator over the ranks of a Communicator, on each rank's current GPU. It does not
/// block: the host waits here alone, where it looks for errors of NCCL and for ranks that do not
/// come. When it finds one it aborts NCCL, so that the GPU is free again, and throws Error
/// (kLibrary); after that only Communicator::abort() is useful.
class NcclLink {
  public:
    /// Collective: rank 0 makes the id, MPI carries it. Borrows `comm`. At 0 it waits for ever.
    NcclLink(Communicator& comm, double limit_seconds);
    NcclLink(const NcclLink&) = delete;
    NcclLink& operator=(const NcclLink&) = delete;
    /// Lets the others finish what is under way; after an error, aborts.
    ~NcclLink();

    ncclComm_t get() const { return comm_; }
    /// Counts a collective, which `what` names. Throws Error after an abort.
    void enter(const char* what);
    /// Answers, in passing, a roll that another rank has called.
    void pass_by();
    /// Passes the code of a call, or throws.
    void check(ncclResult_t code, const char* call);
    /// The same, and waits until the call has really been made.
    void settle(ncclResult_t code, const char* call);
    /// Waits until `done` is true.
    void wait_until(const std::function<bool()>& done);

  private:
    void connect();
    /// Throws when NCCL reports an error.
    void look_for_errors();
    /// Asks all ranks where they are. Throws when one does not come.
    void call_roll(double waited_seconds);
    [[noreturn]] void fail(ncclResult_t code, const char* call);
    void abort() noexcept;

    Communicator& ranks_;
    double limit_;
    std::vector<std::string> names_;
    std::int64_t entered_ = 0;
    const char* what_ = "";
    ncclComm_t comm_ = nullptr;
    int exceptions_at_start_ = std::uncaught_exceptions();
};

}  // namespace r1
