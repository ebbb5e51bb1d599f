// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 on the GPU: the numbers of common/random.h.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace r1::cuda {

struct PhiloxWords {
    std::uint32_t word[4];
};

__host__ __device__ inline PhiloxWords philox4x32(PhiloxWords counter, std::uint32_t key0,
                                                  std::uint32_t key1) {
    std::uint32_t* const c = counter.word;
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = std::uint64_t{0xD2511F53} * c[0];
        const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * c[2];
        c[0] = static_cast<std::uint32_t>(product1 >> 32) ^ c[1] ^ key0;
        c[1] = static_cast<std::uint32_t>(product1);
        c[2] = static_cast<std::uint32_t>(product0 >> 32) ^ c[3] ^ key1;
        c[3] = static_cast<std::uint32_t>(product0);
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return counter;
}

}  // namespace r1::cuda
