// SPDX-License-Identifier: Apache-2.0
// Compiled with AVX2; called where the machine has it.
#include "checkpoint/copy_and_hash_loop.h"

namespace r1 {

void copy_and_hash_avx2(std::byte* target, const std::byte* source, std::uint64_t bytes,
                        Hash128* hashes) {
    copy_and_hash_loop(target, source, bytes, hashes);
}

}  // namespace r1
