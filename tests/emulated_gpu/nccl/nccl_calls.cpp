// SPDX-License-Identifier: Apache-2.0
// The calls of the emulated NCCL that move values.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "tests/emulated_gpu/nccl/nccl_comm.h"
#include "tests/emulated_gpu/nccl/nccl_faults.h"
#include "tests/emulated_gpu/nccl/streams.h"
#include "tests/emulated_gpu/nccl/transfer.h"

namespace {

using r1::test::nccl_bytes;
using r1::test::Transfer;
using Parts = std::vector<std::string>;

/// Messages between two ranks keep their order; those of calls of all ranks have a tag each.
constexpr int kPairTag = 1;
constexpr int kFirstTag = 2;
constexpr int kTags = 10'000;

/// What was called between ncclGroupStart and the ncclGroupEnd that belongs to it: one piece of a
/// stream's work. Groups may lie within each other, and the outermost one's end counts.
struct Group {
    ncclComm_t comm = nullptr;
    cudaStream_t stream = nullptr;
    std::vector<Transfer> transfers;
    bool started = false;
    std::vector<ncclComm_t> aborts;
    ncclResult_t error = ncclSuccess;
};
std::shared_ptr<Group> group;
int depth = 0;
ncclResult_t failure_of_call = ncclSuccess;

bool work_on(Group& work) {
    if (work.comm->aborted) {
        for (Transfer& transfer : work.transfers) transfer.cancel();
        --work.comm->under_way;
        return true;
    }
    if (!work.started)
        for (Transfer& transfer : work.transfers) transfer.start();
    work.started = true;
    for (Transfer& transfer : work.transfers)
        if (!transfer.arrived()) return false;
    for (Transfer& transfer : work.transfers) transfer.end();
    --work.comm->under_way;
    return true;
}

/// The other ends of a call: all ranks, this one too.
std::vector<int> all_ranks(ncclComm_t comm) {
    std::vector<int> all;
    for (int rank = 0; rank < comm->size; ++rank) all.push_back(rank);
    return all;
}

ncclResult_t add(ncclComm_t comm, cudaStream_t stream, int tag,
                 std::vector<Transfer::Outgoing> outgoing, std::vector<Transfer::Incoming> incoming,
                 Transfer::Ending ending) {
    const bool alone = depth == 0;
    if (alone) ncclGroupStart();
    const bool other = group->comm != nullptr && (group->comm != comm || group->stream != stream);
    ncclResult_t error = std::exchange(failure_of_call, ncclSuccess);
    if (comm->in_progress() || other) error = ncclInvalidUsage;
    if (error != ncclSuccess) {
        group->error = error;
    } else {
        group->comm = comm;
        group->stream = stream;
        group->transfers.emplace_back(comm->mpi, tag, std::move(outgoing), std::move(incoming),
                                      std::move(ending));
    }
    return alone ? ncclGroupEnd() : error;
}

int next_tag(ncclComm_t comm) {
    return kFirstTag + comm->calls++ % kTags;
}

const std::byte* offset(const void* values, std::size_t bytes) {
    return static_cast<const std::byte*>(values) + bytes;
}

}  // namespace

void r1::test::fail_nccl_call(ncclResult_t error) {
    failure_of_call = error;
}

ncclResult_t ncclGroupStart() {
    if (depth++ == 0) group = std::make_shared<Group>();
    return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
    ncclGroupStart();
    group->aborts.push_back(comm);
    return ncclGroupEnd();
}

ncclResult_t ncclGroupEnd() {
    if (depth == 0) return ncclInvalidUsage;
    if (--depth > 0) return ncclSuccess;
    const std::shared_ptr<Group> work = std::move(group);
    group = nullptr;
    // All that was asked in it is dropped, an abort too.
    if (work->error != ncclSuccess) return work->error;
    r1::test::abort_communicators(work->aborts);
    if (work->comm == nullptr) return ncclSuccess;
    ++work->comm->under_way;
    r1::test::enqueue(work->stream, [work] { return work_on(*work); });
    return work->comm->begin_call();
}

ncclResult_t ncclAllReduce(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
    const std::size_t bytes = count * nccl_bytes(type);
    std::vector<Transfer::Outgoing> outgoing;
    std::vector<Transfer::Incoming> incoming;
    for (const int peer : all_ranks(comm)) {
        outgoing.push_back({peer, send, bytes});
        incoming.push_back({peer, bytes});
    }
    return add(comm, stream, next_tag(comm), outgoing, incoming, [=](const Parts& parts) {
        r1::test::reduce_parts(receive, parts, count, type, op);
    });
}

ncclResult_t ncclReduceScatter(const void* send, void* receive, std::size_t received,
                               ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm,
                               cudaStream_t stream) {
    const std::size_t bytes = received * nccl_bytes(type);
    std::vector<Transfer::Outgoing> outgoing;
    std::vector<Transfer::Incoming> incoming;
    for (const int peer : all_ranks(comm)) {
        outgoing.push_back({peer, offset(send, static_cast<std::size_t>(peer) * bytes), bytes});
        incoming.push_back({peer, bytes});
    }
    return add(comm, stream, next_tag(comm), outgoing, incoming, [=](const Parts& parts) {
        r1::test::reduce_parts(receive, parts, received, type, op);
    });
}

ncclResult_t ncclReduce(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, ncclComm_t comm, cudaStream_t stream) {
    const std::size_t bytes = count * nccl_bytes(type);
    std::vector<Transfer::Incoming> incoming;
    if (comm->rank == root)
        for (const int peer : all_ranks(comm)) incoming.push_back({peer, bytes});
    return add(comm, stream, next_tag(comm), {{root, send, bytes}}, incoming,
               [=](const Parts& parts) {
                   if (!parts.empty()) r1::test::reduce_parts(receive, parts, count, type, op);
               });
}

ncclResult_t ncclBroadcast(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream) {
    const std::size_t bytes = count * nccl_bytes(type);
    std::vector<Transfer::Outgoing> outgoing;
    if (comm->rank == root)
        for (const int peer : all_ranks(comm)) outgoing.push_back({peer, send, bytes});
    return add(comm, stream, next_tag(comm), outgoing, {{root, bytes}},
               [=](const Parts& parts) { std::memcpy(receive, parts[0].data(), bytes); });
}

ncclResult_t ncclAllGather(const void* send, void* receive, std::size_t sent, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
    const std::size_t bytes = sent * nccl_bytes(type);
    std::vector<Transfer::Outgoing> outgoing;
    std::vector<Transfer::Incoming> incoming;
    for (const int peer : all_ranks(comm)) {
        outgoing.push_back({peer, send, bytes});
        incoming.push_back({peer, bytes});
    }
    return add(comm, stream, next_tag(comm), outgoing, incoming, [=](const Parts& parts) {
        for (std::size_t rank = 0; rank < parts.size(); ++rank)
            std::memcpy(static_cast<std::byte*>(receive) + rank * bytes, parts[rank].data(), bytes);
    });
}

ncclResult_t ncclSend(const void* send, std::size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
    return add(comm, stream, kPairTag, {{peer, send, count * nccl_bytes(type)}}, {},
               [](const Parts&) {});
}

ncclResult_t ncclRecv(void* receive, std::size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
    const std::size_t bytes = count * nccl_bytes(type);
    return add(comm, stream, kPairTag, {}, {{peer, bytes}},
               [=](const Parts& parts) { std::memcpy(receive, parts[0].data(), bytes); });
}
