// SPDX-License-Identifier: Apache-2.0
// Private to comm: which rank works on which GPU.
#pragma once

#include <span>
#include <string>

namespace r1 {

struct RankGpu {
    std::string rank;     ///< "3": its number among all ranks
    std::string node;     ///< "node3"
    std::string uuid;     ///< "GPU-4c2f…"; empty where a rank has no GPU
    std::string no_nccl;  ///< why the rank cannot load NCCL; empty where it can
    std::string bus_id;   ///< "0000:5e:00.0": MIG instances of a card share it, not their UUIDs
};

/// Why the ranks cannot talk by NCCL, in words for the log; empty where they can.
std::string why_not_nccl(std::span<const RankGpu> ranks);

}  // namespace r1
