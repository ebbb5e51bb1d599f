// SPDX-License-Identifier: Apache-2.0
// ldmatrix and mma by the fragments of the PTX ISA, sections "ldmatrix" and "Matrix Fragments for
// mma.m16n8k16 with floating point type". The last lane to come computes for all.
#include <emulated_instructions.h>

#include <cstring>

#include "tests/emulated_gpu/block.h"
#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::emulated {

namespace {

constexpr unsigned kWarp = 0xFFFFFFFFu;
std::int64_t conflicts = 0;

struct MmaLane {
    const std::uint32_t* a;
    std::uint32_t b[2];
    const float* sum;
};

float half_of(std::uint32_t pair, int index) {
    return from_bfloat16(static_cast<std::uint16_t>(index == 0 ? pair : pair >> 16));
}

struct MmaOperands {
    float a[16][16], b[16][8], sum[16][8];
};

MmaOperands gathered(const Meeting& meeting) {
    MmaOperands operands;
    for (int lane = 0; lane < 32; ++lane) {
        const auto& mine = *static_cast<const MmaLane*>(meeting.in[lane]);
        const int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 8; ++i) {
            const int row = g + 8 * (i / 2 % 2), column = 2 * t + i % 2 + 8 * (i / 4);
            operands.a[row][column] = half_of(mine.a[i / 2], i % 2);
        }
        for (int i = 0; i < 4; ++i) {
            operands.b[2 * t + i % 2 + 8 * (i / 2)][g] = half_of(mine.b[i / 2], i % 2);
            operands.sum[g + 8 * (i / 2)][2 * t + i % 2] = mine.sum[i];
        }
    }
    return operands;
}

void multiply(const Meeting& meeting) {
    MmaOperands operands = gathered(meeting);
    for (int row = 0; row < 16; ++row) {
        for (int k = 0; k < 16; ++k) {
            for (int column = 0; column < 8; ++column)
                operands.sum[row][column] += operands.a[row][k] * operands.b[k][column];
        }
    }
    for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < 4; ++i) {
            static_cast<float*>(meeting.out[lane])[i] =
                operands.sum[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2];
        }
    }
}

template <bool kTransposed>
void load_matrices(const Meeting& meeting) {
    for (int matrix = 0; matrix < 4; ++matrix) {
        std::uint16_t values[8][8];
        unsigned banks = 0;  // the 32 banks of 4 bytes in 8 sets, one for each row of 16 bytes
        for (int row = 0; row < 8; ++row) {
            const auto address = *static_cast<const std::uintptr_t*>(meeting.in[8 * matrix + row]);
            std::memcpy(values[row], reinterpret_cast<const void*>(address), sizeof values[row]);
            banks |= 1u << address / 16 % 8;
        }
        conflicts += banks != 0xFFu;
        for (int lane = 0; lane < 32; ++lane) {
            const int g = lane / 4, t = lane % 4;
            const std::uint16_t first = kTransposed ? values[2 * t][g] : values[g][2 * t];
            const std::uint16_t second = kTransposed ? values[2 * t + 1][g] : values[g][2 * t + 1];
            static_cast<std::uint32_t*>(meeting.out[lane])[matrix] =
                static_cast<std::uint32_t>(second) << 16 | first;
        }
    }
}

}  // namespace

std::int64_t bank_conflicts() {
    return conflicts;
}

void ldmatrix(std::uint32_t (&fragment)[4], std::uintptr_t row, bool transposed) {
    if (row % 16 != 0) die("ldmatrix of a row that is not aligned to 16 bytes");
    if (transposed)
        meet_warp(kWarp, "ldmatrix.trans", &row, fragment, load_matrices<true>);
    else
        meet_warp(kWarp, "ldmatrix", &row, fragment, load_matrices<false>);
}

void mma_m16n8k16(float (&sum)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                  std::uint32_t b1) {
    const MmaLane mine{a, {b0, b1}, sum};
    meet_warp(kWarp, "mma", &mine, sum, multiply);
}

}  // namespace r1::emulated
