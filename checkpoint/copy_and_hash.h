// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "checkpoint/hash.h"

namespace r1 {

/// Copies the bytes and hashes what it copied, a hash a block of kBlockBytes and one of what
/// remains. At most about as slow as memcpy: a line is hashed while it is in the cache, and the
/// target, which nobody reads soon, is written around the cache. The target must not overlap the
/// source.
std::vector<Hash128> copy_and_hash(void* target, const void* source, std::uint64_t bytes);

/// The same hashes without the copy.
std::vector<Hash128> hash_blocks(const void* source, std::uint64_t bytes);

}  // namespace r1
