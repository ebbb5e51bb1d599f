// SPDX-License-Identifier: Apache-2.0
// Where each element of a fragment lies is written here from the figures of the PTX ISA, the other
// way around from the emulation: from the element to its lane and register.
#include "kernels/cuda/instructions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/cuda/launch.h"
#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::cuda {

namespace {

struct Place {
    int lane, word, half;
};

struct Fragments {
    std::uint32_t a[32][4], b[32][2];
    float sum[32][4];
};

Place place_in_a(int row, int k) {
    return {row % 8 * 4 + k % 8 / 2, row / 8 + k / 8 * 2, k % 2};
}
Place place_in_b(int k, int column) {
    return {column * 4 + k % 8 / 2, k / 8, k % 2};
}
Place place_in_sum(int row, int column) {
    return {row % 8 * 4 + column / 2, row / 8 * 2 + column % 2, 0};
}

void set_half(std::uint32_t& word, int half, float value) {
    word &= half == 0 ? 0xFFFF0000u : 0x0000FFFFu;
    word |= static_cast<std::uint32_t>(to_bfloat16(value)) << 16 * half;
}

__global__ void multiply_fragments(Fragments* fragments) {
    const unsigned lane = threadIdx.x;
    mma_m16n8k16(fragments->sum[lane], fragments->a[lane], fragments->b[lane][0],
                 fragments->b[lane][1]);
}

TEST(EmulatedInstructions, MmaMultipliesAndAdds) {
    float a[16][16], b[16][8], sum[16][8];
    Fragments fragments{};
    for (int i = 0; i < 16; ++i) {
        for (int k = 0; k < 16; ++k) {
            a[i][k] = static_cast<float>((i * 7 + k * 3) % 11 - 5);
            const Place at = place_in_a(i, k);
            set_half(fragments.a[at.lane][at.word], at.half, a[i][k]);
        }
        for (int j = 0; j < 8; ++j) {
            b[i][j] = static_cast<float>((i * 5 + j * 2) % 13 - 6);
            const Place at = place_in_b(i, j);
            set_half(fragments.b[at.lane][at.word], at.half, b[i][j]);
            sum[i][j] = static_cast<float>(i - j);
            const Place sum_at = place_in_sum(i, j);
            fragments.sum[sum_at.lane][sum_at.word] = sum[i][j];
        }
    }
    launch(multiply_fragments, 1, 32, 0, nullptr, &fragments);
    for (int i = 0; i < 16; ++i) {
        for (int j = 0; j < 8; ++j) {
            float wanted = sum[i][j];
            for (int k = 0; k < 16; ++k) wanted += a[i][k] * b[k][j];
            const Place at = place_in_sum(i, j);
            EXPECT_EQ(fragments.sum[at.lane][at.word], wanted) << i << ", " << j;
        }
    }
}

struct Loaded {
    std::uint32_t plain[32][4], transposed[32][4];
};

// Row r of matrix i lies at place 5 · (8i + r) mod 32.
__global__ void load_fragments(Loaded* loaded) {
    auto* values = reinterpret_cast<std::uint16_t*>(shared_memory());
    const unsigned lane = threadIdx.x;
    std::uint16_t* row = values + 5 * lane % 32 * 8;
    for (unsigned c = 0; c < 8; ++c) row[c] = static_cast<std::uint16_t>(100 * lane + c);
    __syncwarp();
    ldmatrix_x4(loaded->plain[lane], shared_address(row));
    ldmatrix_x4_transposed(loaded->transposed[lane], shared_address(row));
}

TEST(EmulatedInstructions, LdmatrixDealsOutRowsOrColumns) {
    Loaded loaded{};
    launch(load_fragments, 1, 32, 512, nullptr, &loaded);
    for (unsigned i = 0; i < 4; ++i) {
        for (unsigned r = 0; r < 8; ++r) {
            for (unsigned c = 0; c < 8; ++c) {
                const std::uint32_t wanted = 100 * (8 * i + r) + c;
                EXPECT_EQ(loaded.plain[4 * r + c / 2][i] >> 16 * (c % 2) & 0xFFFFu, wanted);
                EXPECT_EQ(loaded.transposed[4 * c + r / 2][i] >> 16 * (r % 2) & 0xFFFFu, wanted);
            }
        }
    }
}

// Rows of 16 bytes, `stride` bytes apart.
__global__ void load_apart(unsigned stride) {
    std::uint32_t fragment[4];
    ldmatrix_x4(fragment, shared_address(shared_memory() + stride * threadIdx.x));
}

TEST(EmulatedInstructions, RowsInTheSameBanksAreCounted) {
    std::vector<std::int64_t> conflicts;
    for (const unsigned stride : {16u, 144u, 128u, 64u}) {
        const std::int64_t before = emulated::bank_conflicts();
        launch(load_apart, 1, 32, 32 * stride, nullptr, stride);
        conflicts.push_back(emulated::bank_conflicts() - before);
    }
    EXPECT_EQ(conflicts, (std::vector<std::int64_t>{0, 0, 4, 4}));
}

__global__ void load_unaligned() {
    std::uint32_t fragment[4];
    ldmatrix_x4(fragment, shared_address(shared_memory() + 8));
}

TEST(EmulatedInstructionsDeathTest, LdmatrixWantsAlignedRows) {
    EXPECT_DEATH(launch(load_unaligned, 1, 32, 512, nullptr), "not aligned to 16");
}

// Three groups of copies; what is seen of them after each wait.
__global__ void copy_groups(const std::uint32_t* source, std::uint32_t* seen) {
    auto* target = reinterpret_cast<std::uint32_t*>(shared_memory()) + 8 * threadIdx.x;
    for (int i = 0; i < 8; ++i) target[i] = 7;
    copy_async_16(shared_address(target), source, true);
    commit_copies();
    copy_async_4(shared_address(target + 4), source + 1, true);
    commit_copies();
    copy_async_4(shared_address(target + 5), nullptr, false);
    commit_copies();
    std::uint32_t* mine = seen + 20 * threadIdx.x;
    const auto note = [&] {
        for (const int i : {0, 3, 4, 5, 6}) *mine++ = target[i];
    };
    note();
    wait_copies<2>();
    note();
    wait_copies<1>();
    note();
    wait_copies<0>();
    note();
}

TEST(EmulatedInstructions, CopiesArriveWhenTheyAreWaitedFor) {
    alignas(16) const std::uint32_t source[4] = {10, 11, 12, 13};
    std::vector<std::uint32_t> seen(40);
    launch(copy_groups, 1, 2, 64, nullptr, source, seen.data());
    std::vector<std::uint32_t> wanted = {7,  7,  7,  7, 7, 10, 13, 7,  7, 7,
                                         10, 13, 11, 7, 7, 10, 13, 11, 0, 7};
    wanted.insert(wanted.end(), wanted.begin(), wanted.begin() + 20);
    EXPECT_EQ(seen, wanted);
}

__global__ void copy_without_waiting(const std::uint32_t* source, int* zeros) {
    auto* target = reinterpret_cast<std::uint32_t*>(shared_memory());
    if (blockIdx.x == 0) copy_async_16(shared_address(target), source, true);
    commit_copies();
    wait_copies<1>();
    if (blockIdx.x == 1) wait_copies<0>();
    *zeros += target[0] == 10;
}

TEST(EmulatedInstructions, CopiesEndWithTheirBlock) {
    alignas(16) const std::uint32_t source[4] = {10, 11, 12, 13};
    int arrived = 0;
    launch(copy_without_waiting, 2, 1, 64, nullptr, source, &arrived);
    EXPECT_EQ(arrived, 0);
}

__global__ void copy_unaligned(const std::uint32_t* source) {
    copy_async_16(shared_address(shared_memory()), source + 1, true);
}

TEST(EmulatedInstructionsDeathTest, CopiesAreAligned) {
    alignas(16) const std::uint32_t source[8] = {};
    EXPECT_DEATH(launch(copy_unaligned, 1, 1, 64, nullptr, source), "cp.async of 16 bytes");
}

__global__ void transpose(std::uint32_t* pairs) {
    pairs[threadIdx.x] = transpose_8x8(pairs[threadIdx.x]);
}

TEST(EmulatedInstructions, MovmatrixTransposes) {
    std::vector<std::uint16_t> values(64);
    for (std::size_t i = 0; i < 64; ++i) values[i] = static_cast<std::uint16_t>(i);
    // Lane 4g + t holds the values (g, 2t) and (g, 2t + 1): the rows, one after another.
    std::vector<std::uint32_t> pairs(32);
    std::memcpy(pairs.data(), values.data(), 128);
    launch(transpose, 1, 32, 0, nullptr, pairs.data());
    std::memcpy(values.data(), pairs.data(), 128);
    for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(values[i], i % 8 * 8 + i / 8);
}

TEST(EmulatedInstructions, PairsAndPowers) {
    EXPECT_EQ(pack_bf16(1.0f, -2.0f), 0xC0003F80u);
    EXPECT_EQ(pack_bf16(1.00390625f, 1.01171875f), 0x3F823F80u);  // ties go to even
    EXPECT_EQ(exp2_approx(-3.0f), 0.125f);
    EXPECT_EQ(exp2_approx(-std::numeric_limits<float>::infinity()), 0.0f);
    EXPECT_EQ(exp2_approx(-130.0f), 0.0f);
}

}  // namespace

}  // namespace r1::cuda
