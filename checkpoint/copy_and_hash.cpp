// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/copy_and_hash.h"

#include "checkpoint/copy_and_hash_loop.h"

namespace r1 {

#if defined(R1_COPY_AVX2)
void copy_and_hash_avx2(std::byte* target, const std::byte* source, std::uint64_t bytes,
                        Hash128* hashes);
#endif

namespace {

std::vector<Hash128> run(void* target, const void* source, std::uint64_t bytes) {
    auto* const to = static_cast<std::byte*>(target);
    const auto* const from = static_cast<const std::byte*>(source);
    std::vector<Hash128> hashes((bytes + kBlockBytes - 1) / kBlockBytes);
#if defined(R1_COPY_AVX2)
    if (__builtin_cpu_supports("avx2")) {
        copy_and_hash_avx2(to, from, bytes, hashes.data());
        return hashes;
    }
#endif
    copy_and_hash_loop(to, from, bytes, hashes.data());
    return hashes;
}

}  // namespace

std::vector<Hash128> copy_and_hash(void* target, const void* source, std::uint64_t bytes) {
    return run(target, source, bytes);
}

std::vector<Hash128> hash_blocks(const void* source, std::uint64_t bytes) {
    return run(nullptr, source, bytes);
}

}  // namespace r1
