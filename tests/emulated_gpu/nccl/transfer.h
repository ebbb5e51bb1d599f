// SPDX-License-Identifier: Apache-2.0
// One call of the emulated NCCL, as messages of MPI that nobody waits for.
#pragma once

#include <nccl.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "mpi_runtime/comm/mpi_check.h"

namespace r1::test {

std::size_t nccl_bytes(ncclDataType_t type);

class Transfer {
  public:
    struct Outgoing {
        int to = 0;
        const void* values = nullptr;  ///< of the device; read when the call starts
        std::size_t bytes = 0;
    };
    struct Incoming {
        int from = 0;
        std::size_t bytes = 0;
    };
    /// Takes the incoming bytes, in the order of `incoming`.
    using Ending = std::function<void(const std::vector<std::string>&)>;

    Transfer(MPI_Comm comm, int tag, std::vector<Outgoing> outgoing, std::vector<Incoming> incoming,
             Ending ending)
        : comm_(comm),
          tag_(tag),
          outgoing_(std::move(outgoing)),
          incoming_(std::move(incoming)),
          ending_(std::move(ending)) {}

    /// Sends everything and begins to receive.
    void start();
    /// Whether all messages have come.
    bool arrived();
    void end() { ending_(received_); }
    /// Gives up what has not come.
    void cancel();

  private:
    MPI_Comm comm_;
    int tag_;
    std::vector<Outgoing> outgoing_;
    std::vector<Incoming> incoming_;
    Ending ending_;
    std::vector<std::string> sent_, received_;
    std::vector<MPI_Request> requests_;
};

/// target = the parts' sum or maximum, last part first: NCCL promises no order.
void reduce_parts(void* target, const std::vector<std::string>& parts, std::size_t count,
                  ncclDataType_t type, ncclRedOp_t op);

}  // namespace r1::test
