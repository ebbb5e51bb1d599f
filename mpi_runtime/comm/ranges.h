// SPDX-License-Identifier: Apache-2.0
// Private to comm: arithmetic of ranges.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "mpi_runtime/comm/communicator.h"

namespace r1 {

/// The part of a range that begins `done` values behind its first and has at most so many.
ValueRange piece_at(const ValueRange& range, std::size_t done, std::size_t values);

std::size_t longest(std::span<const ValueRange> ranges);

/// What each owner has of `range`, counted from the range's first value; an empty range where an
/// owner has nothing of it.
std::vector<ValueRange> parts_of(ValueRange range, std::span<const ValueRange> owners);

/// The length of the ranges where it is the same for all and they lie one behind the other.
std::optional<std::size_t> equal_parts(std::span<const ValueRange> ranges);

}  // namespace r1
