// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/error.h"
#include "common/gpu_inventory.h"
#include "common/host.h"
#include "kernels/cuda/stream.h"
#include "mpi_runtime/comm/launched.h"
#include "mpi_runtime/comm/rank_gpus.h"
#include "mpi_runtime/comm/tensor_groups.h"

namespace r1 {

namespace {

/// Why NCCL cannot be loaded here; empty where it can.
std::string why_no_library() {
    try {
        nccl_version();
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

struct RankPlaces {
    bool all_in_host_memory = true;
    std::vector<RankGpu> gpus;
};

RankPlaces gather_places(Communicator& comm, Device& device) {
    const int rank = launched_ranks() > 0 ? launched_rank() : comm.rank();
    const bool on_gpu = cuda_stream_of(device) != nullptr;
    const auto gpu = on_gpu ? current_gpu() : std::nullopt;
    const nlohmann::json own = {{"rank", std::to_string(rank)},
                                {"node", node_name()},
                                {"uuid", gpu ? gpu->uuid : ""},
                                {"bus", gpu ? gpu->bus_id : ""},
                                {"no_nccl", on_gpu ? why_no_library() : ""},
                                {"host", device.shares_host_memory()}};
    RankPlaces places;
    for (const std::string& text : comm.all_gather(own.dump())) {
        const nlohmann::json theirs = nlohmann::json::parse(text);
        places.gpus.push_back({theirs.at("rank"), theirs.at("node"), theirs.at("uuid"),
                               theirs.at("no_nccl"), theirs.at("bus")});
        places.all_in_host_memory = places.all_in_host_memory && theirs.at("host").get<bool>();
    }
    return places;
}

}  // namespace

ChosenTensorGroup make_tensor_group(Communicator& comm, TensorDevice device,
                                    const TensorGroupOptions& options) {
    const RankPlaces places = gather_places(comm, device.device);
    if (places.all_in_host_memory)
        return {make_host_tensor_group(comm),
                std::string("tensors are in host memory and go by ") + comm.name()};
    if (comm.size() == 1)
        return {make_local_tensor_group(std::move(device)), "one rank: tensors stay on its device"};
    const std::string why_not = why_not_nccl(places.gpus);
    if (!why_not.empty())
        return {make_staged_tensor_group(comm, std::move(device)),
                why_not + ": tensors go through the host and MPI"};
    Device& gpu = device.device;
    const DeviceQueue queue{cuda_stream_of(gpu), *cuda_watches_of(gpu)};
    return {make_nccl_tensor_group(comm, std::move(device), queue, options),
            "every rank has a GPU of its own: tensors go by NCCL " + nccl_version()};
}

}  // namespace r1
