// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/work_split.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>

namespace r1 {

std::pair<std::size_t, std::size_t> even_part(std::size_t count, int rank, int size) {
    const auto at = static_cast<std::size_t>(rank);
    const auto parts = static_cast<std::size_t>(size);
    return {count * at / parts, count * (at + 1) / parts};
}

std::vector<std::vector<std::size_t>> balanced_parts(const std::vector<std::int64_t>& tokens,
                                                     int parts) {
    std::vector<std::size_t> order(tokens.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return tokens[a] > tokens[b]; });
    using Load = std::pair<std::int64_t, std::size_t>;  // tokens so far, part
    std::priority_queue<Load, std::vector<Load>, std::greater<>> lightest;
    std::vector<std::vector<std::size_t>> split(static_cast<std::size_t>(parts));
    for (std::size_t part = 0; part < split.size(); ++part) lightest.emplace(0, part);
    for (const std::size_t sequence : order) {
        const auto [load, part] = lightest.top();
        lightest.pop();
        lightest.emplace(load + tokens[sequence], part);
        split[part].push_back(sequence);
    }
    for (std::vector<std::size_t>& part : split) std::sort(part.begin(), part.end());
    return split;
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
