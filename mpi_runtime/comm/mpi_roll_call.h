// SPDX-License-Identifier: Apache-2.0
// Private to comm: which ranks of an MPI group still come, asked by messages that nobody has to
// wait for.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mpi_runtime/comm/mpi_check.h"

namespace r1 {

class MpiRollCall {
  public:
    /// Borrows the communicator; its messages have a tag of their own.
    explicit MpiRollCall(MPI_Comm comm) : comm_(comm) {}
    /// As Communicator::roll_called(), call_roll() and roll_answers().
    bool called();
    void call(std::string_view answer);
    std::vector<std::optional<std::string>> answers();

  private:
    void send_answer(int rank, int ranks);
    /// That rank's next answer, if it has come.
    std::optional<std::string> take_answer(int rank);

    MPI_Comm comm_;
    std::deque<std::string> sent_;                     // outlive the calls, as their messages may
    std::vector<std::optional<std::string>> answers_;  // to the last call, by rank
};

}  // namespace r1
