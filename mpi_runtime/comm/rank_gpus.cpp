// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/rank_gpus.h"

#include <cstddef>

namespace r1 {

std::string why_not_nccl(std::span<const RankGpu> ranks) {
    for (const RankGpu& rank : ranks) {
        if (rank.uuid.empty()) return "rank " + rank.rank + " on " + rank.node + " has no GPU";
        if (!rank.no_nccl.empty())
            return "rank " + rank.rank + " on " + rank.node + " has no NCCL (" + rank.no_nccl + ")";
    }
    for (std::size_t a = 0; a < ranks.size(); ++a)
        for (std::size_t b = a + 1; b < ranks.size(); ++b) {
            if (ranks[a].node != ranks[b].node || ranks[a].bus_id != ranks[b].bus_id) continue;
            const std::string shared = ranks[a].uuid == ranks[b].uuid
                                           ? "GPU " + ranks[a].uuid
                                           : "the card at " + ranks[a].bus_id;
            return "ranks " + ranks[a].rank + " and " + ranks[b].rank + " share " + shared +
                   " on " + ranks[a].node + ", which NCCL refuses";
        }
    return "";
}

}  // namespace r1
