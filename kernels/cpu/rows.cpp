// SPDX-License-Identifier: Apache-2.0
// Sums and copies of whole rows.
#include <cstring>

#include "kernels/cpu/ops.h"

namespace r1::cpu {
inline namespace R1_ISA {
namespace {

constexpr std::int64_t kBlock = 1 << 14;  // elements a thread takes at once

/// Calls f(j, lanes) over 0 … count - 1 from several threads.
template <class F>
void for_elements(std::size_t count, const Workspace& workspace, F f) {
    const auto total = static_cast<std::int64_t>(count);
    for_each_index((total + kBlock - 1) / kBlock, kBlock, workspace, [&](std::int64_t block) {
        const std::int64_t first = block * kBlock;
        const std::int64_t size = total - first < kBlock ? total - first : kBlock;
        for_lanes(size, [&](std::int64_t j, auto lanes) { f(first + j, lanes); });
    });
}

void add_row(float* y, const float* x, std::int64_t width) {
    for_lanes(width, [&](std::int64_t j, auto lanes) {
        store(y + j, load(y + j, lanes) + load(x + j, lanes), lanes);
    });
}

}  // namespace

void add_column_sums(float* sums, const float* x, std::int32_t m, std::int32_t n,
                     Workspace& workspace) {
    constexpr std::int64_t kWidth = 4 * kLanes;
    // Threads take columns, so that each is summed in the order of the rows.
    for_each_index((n + kWidth - 1) / kWidth, m * kWidth, workspace, [&](std::int64_t block) {
        const std::int64_t first = block * kWidth;
        const std::int64_t width = n - first < kWidth ? n - first : kWidth;
        for (std::int64_t i = 0; i < m; ++i) add_row(sums + first, x + i * n + first, width);
    });
}

void add(float* y, const float* x, std::size_t count, Workspace& workspace) {
    for_elements(count, workspace, [&](std::int64_t j, auto lanes) {
        store(y + j, load(y + j, lanes) + load(x + j, lanes), lanes);
    });
}

void scale(float* x, double factor, std::size_t count, Workspace& workspace) {
    const Vec by = fill(static_cast<float>(factor));
    for_elements(count, workspace,
                 [&](std::int64_t j, auto lanes) { store(x + j, load(x + j, lanes) * by, lanes); });
}

void gather_rows(float* y, const float* x, const std::int32_t* rows, std::int32_t m,
                 std::int32_t width) {
    for (std::int64_t i = 0; i < m; ++i) {
        std::memcpy(y + i * width, x + std::int64_t{rows[i]} * width,
                    static_cast<std::size_t>(width) * sizeof(float));
    }
}

void embedding_forward(float* y, const float* table, const TablePart& part, const std::int32_t* ids,
                       std::int32_t m, std::int32_t width) {
    const std::size_t bytes = static_cast<std::size_t>(width) * sizeof(float);
    for (std::int64_t i = 0; i < m; ++i) {
        if (part.holds(ids[i])) {
            std::memcpy(y + i * width, table + std::int64_t{ids[i] - part.first} * width, bytes);
        } else {
            std::memset(y + i * width, 0, bytes);
        }
    }
}

void embedding_backward(float* dtable, const TablePart& part, const float* dy,
                        const std::int32_t* ids, std::int32_t m, std::int32_t width) {
    for (std::int64_t i = 0; i < m; ++i) {
        if (!part.holds(ids[i])) continue;
        add_row(dtable + std::int64_t{ids[i] - part.first} * width, dy + i * width, width);
    }
}

void scatter_add_rows(float* dx, const float* dy, const std::int32_t* rows, std::int32_t m,
                      std::int32_t width) {
    for (std::int64_t i = 0; i < m; ++i) {
        add_row(dx + std::int64_t{rows[i]} * width, dy + i * width, width);
    }
}

}  // namespace R1_ISA
}  // namespace r1::cpu
