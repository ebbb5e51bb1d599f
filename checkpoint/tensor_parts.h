// SPDX-License-Identifier: Apache-2.0
// Reading a tensor from its beginning to its end without holding it whole.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace r1 {

/// Bytes [begin, end) of a tensor.
struct ByteRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// The tensor cut where its blocks end, so that each block is read once: ranges of whole values,
/// one behind the other, of at most kBlockBytes or one block. In format 1 a tensor is one block.
std::vector<ByteRange> parts_of(const Manifest& manifest, const TensorEntry& tensor);

/// Reads and verifies the parts in turn. `take` gets where a part begins in the tensor, its bytes
/// and how many they are; they live until it returns. Throws as TensorReader::read does.
void for_each_part(
    TensorReader& reader, const Manifest& manifest, const TensorEntry& tensor,
    const std::function<void(std::uint64_t begin, const char* data, std::uint64_t bytes)>& take);

}  // namespace r1
