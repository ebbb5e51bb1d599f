// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <vector>

#include "mpi_runtime/comm/communicator.h"

namespace r1 {

namespace {

/// Values that are added at a time: all that is open of a sum then fits the first cache.
constexpr std::size_t kBlock = 1024;

/// The most sums that are open at a time.
std::size_t deepest(std::span<const SumTerm> terms) {
    std::size_t open = 0;
    std::size_t most = 0;
    for (const SumTerm& term : terms) {
        most = std::max(most, ++open);
        open -= static_cast<std::size_t>(term.joins);
    }
    return most;
}

void add(float* target, const float* a, const float* b, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) target[i] = a[i] + b[i];
}

}  // namespace

void add_terms(float* target, std::span<const SumTerm> terms, std::span<const float* const> parts,
               std::size_t count) {
    if (terms.empty() || (terms.size() == 1 && parts[0] == target)) return;
    const std::size_t depth = deepest(terms);
    std::vector<float> room(depth * kBlock);
    std::vector<const float*> open(depth);
    for (std::size_t first = 0; first < count; first += kBlock) {
        const std::size_t size = std::min(kBlock, count - first);
        std::size_t top = 0;
        for (std::size_t i = 0; i < terms.size(); ++i) {
            open[top++] = parts[i] + first;
            for (int join = 0; join < terms[i].joins; ++join, --top) {
                float* sum = room.data() + (top - 2) * kBlock;
                add(sum, open[top - 2], open[top - 1], size);
                open[top - 2] = sum;
            }
        }
        // All parts of the block are read by now: the target may be one of them.
        std::copy_n(open[0], size, target + first);
    }
}

}  // namespace r1
