// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rank_groups.h"

#include <vector>

#include "common/error.h"
#include "common/host.h"

namespace r1 {

void check_slices(std::span<const std::string> nodes, std::int32_t slices) {
    const auto width = static_cast<std::size_t>(slices);
    const std::string tensor = "parallel.tensor " + std::to_string(slices);
    if (nodes.size() % width != 0)
        throw Error(ExitCode::kUsage, tensor + " needs a multiple of it in ranks, and there are " +
                                          std::to_string(nodes.size()) +
                                          "; change resources.ranks or --ranks");
    for (std::size_t rank = 0; rank < nodes.size(); ++rank) {
        const std::size_t first = rank - rank % width;
        if (nodes[rank] == nodes[first]) continue;
        throw Error(ExitCode::kUsage,
                    "ranks " + std::to_string(first) + " and " + std::to_string(rank) +
                        " share a model (" + tensor + ") and are on two nodes, " + nodes[first] +
                        " and " + nodes[rank] + "; set resources.ranks_per_node to a multiple of " +
                        std::to_string(slices));
    }
}

RankGroups::RankGroups(Communicator& all, std::int32_t slices) : all_(all) {
    if (slices == 1) return;
    check_slices(all.all_gather(node_name()), slices);
    data_ = all.split(all.rank() % slices, all.rank());
    slices_ = all.split(all.rank() / slices, all.rank());
}

}  // namespace r1
