// SPDX-License-Identifier: Apache-2.0
// The blocking of Goto & van de Geijn (2008). b is packed in panels of kPanel columns that stay in
// L2; rows of a are read where they lie, unless it is transposed. A block of l continues from what
// the block before it left in c, so that blocking does not change the chain of an element.
#include "kernels/cpu/gemm.h"

#include <omp.h>

#include <cstring>

#include "kernels/cpu/transpose.h"

namespace r1::cpu {
inline namespace R1_ISA {
namespace {

constexpr int kPanel = 2 * kLanes;
constexpr int kRows = kLanes == 16 ? 12 : 6;  // 2 · kRows sums and 3 operands fill the registers
constexpr std::int64_t kDepth = 256;
constexpr std::int64_t kColumns = 512 / kPanel * kPanel;  // kDepth · kColumns floats: half an L2
constexpr std::int64_t kPackedA = kRows * kDepth;
constexpr std::int64_t kScratch = kDepth * kColumns + kPackedA;

std::int64_t least(std::int64_t a, std::int64_t b) {
    return a < b ? a : b;
}

/// What one call of the micro-kernel reads and writes.
struct Tile {
    float* c;
    std::int64_t c_row;
    const float* a;
    std::int64_t a_row, a_column;
    const float* panel;
    std::int64_t depth;
    std::int64_t columns;  ///< of c that exist, 1 … kPanel
    const float* bias;     ///< starts from it, where not null
    bool from_c;           ///< starts from c
};

template <class Lanes>
void start_half(Vec& sum, const Tile& tile, std::int64_t row, int half, Lanes lanes) {
    if (tile.from_c) {
        sum = load(tile.c + row * tile.c_row + half * kLanes, lanes);
    } else if (tile.bias != nullptr) {
        sum = load(tile.bias + half * kLanes, lanes);
    }
}

/// Calls f(half, lanes) for the halves of the panel that exist.
template <class F>
void for_halves(std::int64_t columns, F f) {
    for (int half = 0; half < 2; ++half) {
        const std::int64_t left = columns - half * kLanes;
        if (left >= kLanes) {
            f(half, Full{});
        } else if (left > 0) {
            f(half, Part{left});
        }
    }
}

template <int M>
void multiply_tile(const Tile& tile) {
    Vec sums[M][2] = {};
    if (tile.from_c || tile.bias != nullptr) {
        for_halves(tile.columns, [&](int half, auto lanes) {
            for (int i = 0; i < M; ++i) start_half(sums[i][half], tile, i, half, lanes);
        });
    }
    const float* panel = tile.panel;
    const float* a = tile.a;
    const std::int64_t row = tile.a_row;
    for (std::int64_t l = 0; l < tile.depth; ++l, panel += kPanel, a += tile.a_column) {
        const Vec b0 = load(panel), b1 = load(panel + kLanes);
#pragma GCC unroll 16
        for (int i = 0; i < M; ++i) {
            const Vec x = fill(a[i * row]);
            sums[i][0] = fma(x, b0, sums[i][0]);
            sums[i][1] = fma(x, b1, sums[i][1]);
        }
    }
    for_halves(tile.columns, [&](int half, auto lanes) {
        for (int i = 0; i < M; ++i) {
            store(tile.c + i * tile.c_row + half * kLanes, sums[i][half], lanes);
        }
    });
}

template <int M = kRows>
void multiply_rows(const Tile& tile, std::int64_t rows) {
    if constexpr (M > 1) {
        if (rows < M) return multiply_rows<M - 1>(tile, rows);
    }
    multiply_tile<M>(tile);
}

/// Packs a square of a transposed b: rows of memory become columns of the panel.
void pack_square(float* panel, const float* b, std::int64_t stride) {
    Vec rows[kLanes];
#pragma GCC unroll 16
    for (int j = 0; j < kLanes; ++j) rows[j] = load(b + j * stride);
    transpose(rows);
#pragma GCC unroll 16
    for (int l = 0; l < kLanes; ++l) store(panel + l * kPanel, rows[l]);
}

/// The same for a square that lacks columns or depth; missing columns become 0.
void pack_edge(float* panel, const float* b, std::int64_t stride, std::int64_t columns,
               std::int64_t depth) {
    for (std::int64_t l = 0; l < depth; ++l) {
        for (int j = 0; j < kLanes; ++j) {
            panel[l * kPanel + j] = j < columns ? b[j * stride + l] : 0.0F;
        }
    }
}

void pack_transposed(float* panel, const float* b, std::int64_t stride, std::int64_t columns,
                     std::int64_t depth) {
    for (int half = 0; half < 2; ++half, b += kLanes * stride, columns -= kLanes) {
        for (std::int64_t l = 0; l < depth; l += kLanes) {
            float* to = panel + l * kPanel + half * kLanes;
            if (columns >= kLanes && depth - l >= kLanes) {
                pack_square(to, b + l, stride);
            } else {
                pack_edge(to, b + l, stride, columns, least(kLanes, depth - l));
            }
        }
    }
}

void pack_straight(float* panel, const float* b, std::int64_t stride, std::int64_t columns,
                   std::int64_t depth) {
    for (std::int64_t l = 0; l < depth; ++l, b += stride, panel += kPanel) {
        if (columns < kPanel) {
            store(panel, Vec{});
            store(panel + kLanes, Vec{});
        }
        for_halves(columns, [&](int half, auto lanes) {
            store(panel + half * kLanes, load(b + half * kLanes, lanes));
        });
    }
}

/// Packs the rows of a transposed a, kRows values a step.
void pack_rows(float* packed, const float* a, std::int64_t stride, std::int64_t rows,
               std::int64_t depth) {
    for (std::int64_t l = 0; l < depth; ++l, a += stride, packed += kRows) {
        if (rows == kRows) {
            std::memcpy(packed, a, kRows * sizeof(float));
        } else {
            for (std::int64_t i = 0; i < rows; ++i) packed[i] = a[i];
        }
    }
}

/// The part of c that one thread computes.
struct Range {
    std::int64_t first_row, last_row, first_column, last_column;
};

/// The rows of `range` times the packed columns j … j + columns at depth l … l + depth.
void multiply_packed(const Product& p, const Range& range, std::int64_t j, std::int64_t columns,
                     std::int64_t l, std::int64_t depth, float* packed) {
    float* packed_a = packed + kDepth * kColumns;
    for (std::int64_t i = range.first_row; i < range.last_row; i += kRows) {
        const std::int64_t rows = least(kRows, range.last_row - i);
        Tile tile{.c = nullptr,
                  .c_row = p.n,
                  .a = p.a + i * p.a_row + l * p.a_column,
                  .a_row = p.a_row,
                  .a_column = p.a_column,
                  .panel = packed,
                  .depth = depth,
                  .columns = 0,
                  .bias = nullptr,
                  .from_c = p.accumulate || l > 0};
        if (p.a_row == 1) {
            // One line of memory a step otherwise, again for every panel.
            pack_rows(packed_a, tile.a, p.a_column, rows, depth);
            tile.a = packed_a;
            tile.a_column = kRows;
        }
        for (std::int64_t at = 0; at < columns; at += kPanel, tile.panel += depth * kPanel) {
            tile.c = p.c + i * p.n + j + at;
            tile.columns = least(kPanel, columns - at);
            if (p.bias != nullptr) tile.bias = p.bias + j + at;
            multiply_rows(tile, rows);
        }
    }
}

void multiply_range(const Product& p, const Range& range, float* packed) {
    for (std::int64_t j = range.first_column; j < range.last_column; j += kColumns) {
        const std::int64_t columns = least(kColumns, range.last_column - j);
        // Once even when k is 0, so that c gets its start.
        for (std::int64_t l = 0; l == 0 || l < p.k; l += kDepth) {
            const std::int64_t depth = least(kDepth, p.k - l);
            for (std::int64_t at = 0; at < columns; at += kPanel) {
                const std::int64_t width = least(kPanel, columns - at);
                float* panel = packed + at * depth;
                if (p.b_transposed) {
                    pack_transposed(panel, p.b + (j + at) * p.b_stride + l, p.b_stride, width,
                                    depth);
                } else {
                    pack_straight(panel, p.b + l * p.b_stride + j + at, p.b_stride, width, depth);
                }
            }
            multiply_packed(p, range, j, columns, l, depth, packed);
        }
    }
}

/// Part `part` of `parts` of 0 … count, cut at multiples of `unit`.
void split(std::int64_t count, std::int64_t unit, int part, int parts, std::int64_t& first,
           std::int64_t& last) {
    const std::int64_t units = (count + unit - 1) / unit;
    first = least(count, units * part / parts * unit);
    last = least(count, units * (part + 1) / parts * unit);
}

}  // namespace

void multiply(const Product& p, Workspace& workspace) {
    constexpr std::int64_t kWorthThreads = 1 << 18;  // multiply-adds
    constexpr std::int64_t kWorthPackingTwice = 64;  // rows a thread
    const std::int64_t work = std::int64_t{p.m} * p.n * p.k;
    const int threads = work < kWorthThreads ? 1 : workspace.threads;
    float* scratch = workspace.scratch.floats(static_cast<std::size_t>(threads * kScratch));
    const bool by_rows = p.m >= kWorthPackingTwice * threads;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        const int part = omp_get_thread_num(), parts = omp_get_num_threads();
        Range range{0, p.m, 0, p.n};
        if (by_rows) {
            split(p.m, kRows, part, parts, range.first_row, range.last_row);
        } else {
            split(p.n, kPanel, part, parts, range.first_column, range.last_column);
        }
        multiply_range(p, range, scratch + part * kScratch);
    }
}

}  // namespace R1_ISA
}  // namespace r1::cpu
