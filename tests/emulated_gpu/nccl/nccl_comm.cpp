// SPDX-License-Identifier: Apache-2.0
// How communicators of the emulated NCCL begin, are asked, and end.
#include "tests/emulated_gpu/nccl/nccl_comm.h"

#include <algorithm>
#include <cstring>

#include "tests/emulated_gpu/nccl/nccl_faults.h"
#include "tests/emulated_gpu/nccl/streams.h"

namespace {

ncclResult_t injected = ncclSuccess;
int open_communicators = 0;
int aborted_communicators = 0;
int ids = 0;

constexpr int kJoinTag = 20'000;

struct Id {
    int root;  // of MPI_COMM_WORLD
    int number;
};

int world_rank() {
    int rank = 0;
    r1::check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
    return rank;
}

/// The ranks of MPI_COMM_WORLD in the group, by their rank in it: they tell the root.
std::vector<int> members(const Id& id, int rank, int ranks) {
    const int tag = kJoinTag + id.number;
    std::vector<int> all(static_cast<std::size_t>(ranks));
    if (world_rank() != id.root) {
        const int own[] = {rank, world_rank()};
        r1::check_mpi(MPI_Send(own, 2, MPI_INT, id.root, tag, MPI_COMM_WORLD), "MPI_Send");
        r1::check_mpi(
            MPI_Recv(all.data(), ranks, MPI_INT, id.root, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
            "MPI_Recv");
        return all;
    }
    all[static_cast<std::size_t>(rank)] = id.root;
    for (int i = 1; i < ranks; ++i) {
        int theirs[] = {0, 0};
        r1::check_mpi(
            MPI_Recv(theirs, 2, MPI_INT, MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
            "MPI_Recv");
        all[static_cast<std::size_t>(theirs[0])] = theirs[1];
    }
    for (const int member : all)
        if (member != id.root)
            r1::check_mpi(MPI_Send(all.data(), ranks, MPI_INT, member, tag, MPI_COMM_WORLD),
                          "MPI_Send");
    return all;
}

}  // namespace

namespace r1::test {

void inject_nccl_error(ncclResult_t error) {
    injected = error;
}
int open_nccl_communicators() {
    return open_communicators;
}
int aborted_nccl_communicators() {
    return aborted_communicators;
}

void abort_communicators(const std::vector<ncclComm_t>& communicators) {
    if (communicators.empty()) return;
    // Their calls end on the streams without a result.
    for (const ncclComm_t comm : communicators) comm->aborted = true;
    // Their memory is freed, which waits for other communicators' calls too.
    drain_streams();
    for (const ncclComm_t comm : communicators) {
        delete comm;
        --open_communicators;
        ++aborted_communicators;
    }
}

}  // namespace r1::test

const char* ncclGetErrorString(ncclResult_t result) {
    return result == ncclInvalidUsage ? "invalid usage" : "an emulated error";
}

const char* ncclGetLastError(ncclComm_t) {
    return "the cable is out";
}

ncclResult_t ncclGetVersion(int* version) {
    *version = 21805;
    return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    const Id made{world_rank(), ids++};
    std::memcpy(id, &made, sizeof made);
    return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
    if (config->blocking != 0) return ncclInvalidUsage;
    Id read{};
    std::memcpy(&read, &id, sizeof read);
    const std::vector<int> all = members(read, rank, ranks);
    MPI_Group world = MPI_GROUP_NULL;
    MPI_Group group = MPI_GROUP_NULL;
    r1::check_mpi(MPI_Comm_group(MPI_COMM_WORLD, &world), "MPI_Comm_group");
    r1::check_mpi(MPI_Group_incl(world, ranks, all.data(), &group), "MPI_Group_incl");
    *comm = new ncclComm;
    (*comm)->rank = rank;
    (*comm)->size = ranks;
    r1::check_mpi(MPI_Comm_create_group(MPI_COMM_WORLD, group, read.number, &(*comm)->mpi),
                  "MPI_Comm_create_group");
    MPI_Group_free(&group);
    MPI_Group_free(&world);
    ++open_communicators;
    return (*comm)->begin_call();
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
    r1::test::drive_streams();
    if (injected != ncclSuccess) {
        *error = injected;
        injected = ncclSuccess;
        return ncclSuccess;
    }
    *error = comm->in_progress() ? ncclInProgress : ncclSuccess;
    if (comm->in_progress()) --comm->looks_left;
    return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
    if (comm->in_progress()) return ncclInvalidUsage;
    while (comm->under_way > 0) r1::test::drive_streams();
    return comm->begin_call();
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    if (comm->in_progress() || comm->under_way > 0) return ncclInvalidUsage;
    MPI_Comm_free(&comm->mpi);
    delete comm;
    --open_communicators;
    return ncclSuccess;
}
