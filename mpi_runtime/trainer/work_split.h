// SPDX-License-Identifier: Apache-2.0
// Who works on which sequence. Pure functions: every rank computes the same answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace r1 {

/// Part `rank` of `count` things in equal contiguous parts: [first, last).
std::pair<std::size_t, std::size_t> even_part(std::size_t count, int rank, int size);

/// Splits sequences into `parts` by their tokens: the longest first, each to the part with the
/// least so far. Gives the indices of each part, ascending.
std::vector<std::vector<std::size_t>> balanced_parts(const std::vector<std::int64_t>& tokens,
                                                     int parts);

/// Groups a part's sequences, in order, into micro-batches of at most `limit` tokens; a sequence
/// that is longer stands alone.
std::vector<std::vector<std::size_t>> micro_batches(const std::vector<std::size_t>& part,
                                                    const std::vector<std::int64_t>& tokens,
                                                    std::int64_t limit);

}  // namespace r1
