// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/sum_tree.h"

#include <algorithm>

#include "mpi_runtime/trainer/work_split.h"

namespace r1 {

namespace {

struct Ending {
    int within = 0;  ///< nodes of two halves that end with a shard and begin at `first` or later
    int before = 0;  ///< those that begin before
};

Ending nodes_ending_with(int shard, int shards, int first) {
    Ending ending;
    const std::int64_t end = std::int64_t{shard} + 1;
    for (std::int64_t half = 1; half < shards; half *= 2) {
        const std::int64_t begin = shard - shard % (2 * half);
        const bool ends_here = end == std::min<std::int64_t>(begin + 2 * half, shards);
        if (!ends_here || begin + half >= end) continue;
        ++(begin >= first ? ending.within : ending.before);
    }
    return ending;
}

}  // namespace

std::vector<int> local_joins(int shards, int first, int last) {
    std::vector<int> joins;
    for (int shard = first; shard < last; ++shard)
        joins.push_back(nodes_ending_with(shard, shards, first).within);
    return joins;
}

std::vector<SumTerm> sum_over_ranks(int shards, int ranks) {
    std::vector<SumTerm> terms;
    for (int rank = 0; rank < ranks; ++rank) {
        const auto [first, last] = even_part(static_cast<std::size_t>(shards), rank, ranks);
        std::vector<int> joins_of_buffer;
        for (std::size_t shard = first; shard < last; ++shard) {
            const Ending ending =
                nodes_ending_with(static_cast<int>(shard), shards, static_cast<int>(first));
            joins_of_buffer.resize(joins_of_buffer.size() + 1 -
                                   static_cast<std::size_t>(ending.within));
            // A node that other ranks have a part of ends here: this rank adds no more to its part.
            joins_of_buffer.back() = ending.before;
        }
        for (std::size_t buffer = 0; buffer < joins_of_buffer.size(); ++buffer)
            terms.push_back({rank, static_cast<int>(buffer), joins_of_buffer[buffer]});
    }
    return terms;
}

}  // namespace r1
