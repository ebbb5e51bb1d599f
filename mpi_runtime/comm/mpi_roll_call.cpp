// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/mpi_roll_call.h"

namespace r1 {

namespace {

constexpr int kTag = 1;  // the values' messages have 0

}  // namespace

bool MpiRollCall::called() {
    int called = 0;
    // A look that finds nothing lets MPI take in what has come; the next one finds that.
    for (int look = 0; look < 2 && called == 0; ++look)
        check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, kTag, comm_, &called, MPI_STATUS_IGNORE),
                  "MPI_Iprobe");
    return called != 0;
}

void MpiRollCall::send_answer(int rank, int ranks) {
    for (int to = 0; to < ranks; ++to) {
        if (to == rank) continue;
        MPI_Request sending = MPI_REQUEST_NULL;
        check_mpi(MPI_Isend(sent_.back().data(), static_cast<int>(sent_.back().size()), MPI_BYTE,
                            to, kTag, comm_, &sending),
                  "MPI_Isend");
        // Nobody may ever take the message: not waited for.
        check_mpi(MPI_Request_free(&sending), "MPI_Request_free");
    }
}

std::optional<std::string> MpiRollCall::take_answer(int rank) {
    int here = 0;
    MPI_Status status;
    for (int look = 0; look < 2 && here == 0; ++look)
        check_mpi(MPI_Iprobe(rank, kTag, comm_, &here, &status), "MPI_Iprobe");
    if (here == 0) return std::nullopt;
    int bytes = 0;
    check_mpi(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
    std::string text(static_cast<std::size_t>(bytes), '\0');
    check_mpi(MPI_Recv(text.data(), bytes, MPI_BYTE, rank, kTag, comm_, MPI_STATUS_IGNORE),
              "MPI_Recv");
    return text;
}

void MpiRollCall::call(std::string_view answer) {
    int rank = 0;
    int ranks = 1;
    check_mpi(MPI_Comm_rank(comm_, &rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(comm_, &ranks), "MPI_Comm_size");
    sent_.emplace_back(answer);
    send_answer(rank, ranks);
    answers_.assign(static_cast<std::size_t>(ranks), std::nullopt);
    answers_[static_cast<std::size_t>(rank)] = sent_.back();
}

std::vector<std::optional<std::string>> MpiRollCall::answers() {
    // One answer of each: a second one belongs to the next call.
    for (std::size_t from = 0; from < answers_.size(); ++from)
        if (!answers_[from]) answers_[from] = take_answer(static_cast<int>(from));
    return answers_;
}

}  // namespace r1
