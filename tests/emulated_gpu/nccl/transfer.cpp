// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/nccl/transfer.h"

#include <algorithm>
#include <cstring>

#include "common/bfloat16.h"

namespace r1::test {

std::size_t nccl_bytes(ncclDataType_t type) {
    switch (type) {
        case ncclBfloat16:
            return sizeof(Bf16);
        case ncclFloat32:
            return sizeof(float);
        case ncclFloat64:
            return sizeof(double);
    }
    return 0;
}

void Transfer::start() {
    for (const Incoming& incoming : incoming_) received_.emplace_back(incoming.bytes, '\0');
    for (std::size_t i = 0; i < incoming_.size(); ++i)
        check_mpi(
            MPI_Irecv(received_[i].data(), static_cast<int>(incoming_[i].bytes), MPI_BYTE,
                      incoming_[i].from, tag_, comm_, &requests_.emplace_back(MPI_REQUEST_NULL)),
            "MPI_Irecv");
    for (const Outgoing& outgoing : outgoing_)
        sent_.emplace_back(static_cast<const char*>(outgoing.values), outgoing.bytes);
    for (std::size_t i = 0; i < outgoing_.size(); ++i)
        check_mpi(
            MPI_Isend(sent_[i].data(), static_cast<int>(outgoing_[i].bytes), MPI_BYTE,
                      outgoing_[i].to, tag_, comm_, &requests_.emplace_back(MPI_REQUEST_NULL)),
            "MPI_Isend");
}

bool Transfer::arrived() {
    int all = 0;
    check_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &all,
                          MPI_STATUSES_IGNORE),
              "MPI_Testall");
    return all != 0;
}

void Transfer::cancel() {
    for (MPI_Request& request : requests_) {
        if (request == MPI_REQUEST_NULL) continue;
        MPI_Cancel(&request);
        MPI_Request_free(&request);
    }
}

namespace {

template <class T>
void reduce_as(void* target, const std::vector<std::string>& parts, std::size_t count,
               ncclRedOp_t op) {
    const auto value = [&](std::size_t part, std::size_t i) {
        T read;
        std::memcpy(&read, parts[part].data() + i * sizeof(T), sizeof(T));
        return static_cast<double>(read);
    };
    for (std::size_t i = 0; i < count; ++i) {
        T result = static_cast<T>(value(parts.size() - 1, i));
        for (std::size_t part = parts.size() - 1; part-- > 0;) {
            const double so_far = static_cast<double>(result);
            const double next = value(part, i);
            result = static_cast<T>(op == ncclSum ? so_far + next : std::max(so_far, next));
        }
        std::memcpy(static_cast<char*>(target) + i * sizeof(T), &result, sizeof(T));
    }
}

}  // namespace

void reduce_parts(void* target, const std::vector<std::string>& parts, std::size_t count,
                  ncclDataType_t type, ncclRedOp_t op) {
    switch (type) {
        case ncclBfloat16:
            return reduce_as<Bf16>(target, parts, count, op);
        case ncclFloat32:
            return reduce_as<float>(target, parts, count, op);
        case ncclFloat64:
            return reduce_as<double>(target, parts, count, op);
    }
}

}  // namespace r1::test
