// SPDX-License-Identifier: Apache-2.0
// The order in which the shards of a gradient are added: a binary tree over their numbers. Node i
// of level l holds the shards from i·2^l up to (i + 1)·2^l or the last, and is the sum of its two
// halves. It depends on the number of shards alone, so that any number of ranks gives the same
// bits.
#pragma once

#include <vector>

#include "mpi_runtime/comm/communicator.h"

namespace r1 {

/// How one rank adds the shards [first, last) of `shards`, which are its own: joins[i] times the
/// two last sums are added after shard first + i. What is left is one buffer for each largest node
/// that the rank holds whole.
std::vector<int> local_joins(int shards, int first, int last);

/// How what local_joins() leaves is added over the ranks, of which each has its even_part() of the
/// shards: every rank's buffers, in order.
std::vector<SumTerm> sum_over_ranks(int shards, int ranks);

}  // namespace r1
