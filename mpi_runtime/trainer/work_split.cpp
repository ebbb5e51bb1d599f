// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/work_split.h"

#include <algorithm>
#include <numeric>

namespace r1 {

std::pair<std::size_t, std::size_t> even_part(std::size_t count, int rank, int size) {
    const auto at = static_cast<std::size_t>(rank);
    const auto parts = static_cast<std::size_t>(size);
    return {count * at / parts, count * (at + 1) / parts};
}

std::vector<std::size_t> balanced_part(const std::vector<std::int64_t>& tokens, int rank,
                                       int size) {
    std::vector<std::size_t> order(tokens.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return tokens[a] > tokens[b]; });
    std::vector<std::int64_t> load(static_cast<std::size_t>(size), 0);
    std::vector<std::size_t> part;
    for (const std::size_t sequence : order) {
        const auto lightest = std::min_element(load.begin(), load.end());
        *lightest += tokens[sequence];
        if (lightest - load.begin() == rank) part.push_back(sequence);
    }
    std::sort(part.begin(), part.end());
    return part;
}

std::vector<std::vector<std::size_t>> micro_batches(const std::vector<std::size_t>& part,
                                                    const std::vector<std::int64_t>& tokens,
                                                    std::int64_t limit) {
    std::vector<std::vector<std::size_t>> batches;
    std::int64_t filled = 0;
    for (const std::size_t sequence : part) {
        if (batches.empty() || filled + tokens[sequence] > limit) {
            batches.emplace_back();
            filled = 0;
        }
        batches.back().push_back(sequence);
        filled += tokens[sequence];
    }
    return batches;
}

}  // namespace r1
