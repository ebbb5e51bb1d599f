// SPDX-License-Identifier: Apache-2.0
// Rows looked up and added back by number: embeddings, gather and scatter.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/backend.h"

namespace r1::reference {

template <class T>
void gather_rows(T* y, const T* x, const std::int32_t* rows, std::int32_t m, std::int32_t width) {
    for (std::int64_t i = 0; i < m; ++i) {
        std::copy_n(x + static_cast<std::int64_t>(rows[i]) * width, width, y + i * width);
    }
}

template <class T>
void scatter_add_rows(T* dx, const T* dy, const std::int32_t* rows, std::int32_t m,
                      std::int32_t width) {
    for (std::int64_t i = 0; i < m; ++i) {
        T* target = dx + static_cast<std::int64_t>(rows[i]) * width;
        for (std::int64_t j = 0; j < width; ++j) {
            target[j] = static_cast<T>(static_cast<Wide<T>>(target[j]) +
                                       static_cast<Wide<T>>(dy[i * width + j]));
        }
    }
}

template <class T>
void embedding_forward(T* y, const T* table, const TablePart& part, const std::int32_t* ids,
                       std::int32_t m, std::int32_t width) {
    for (std::int64_t i = 0; i < m; ++i) {
        if (part.holds(ids[i])) {
            std::copy_n(table + std::int64_t{ids[i] - part.first} * width, width, y + i * width);
        } else {
            std::fill_n(y + i * width, width, static_cast<T>(0.0F));
        }
    }
}

template <class T>
void embedding_backward(Wide<T>* dtable, const TablePart& part, const T* dy,
                        const std::int32_t* ids, std::int32_t m, std::int32_t width) {
    for (std::int64_t i = 0; i < m; ++i) {
        if (!part.holds(ids[i])) continue;
        Wide<T>* target = dtable + std::int64_t{ids[i] - part.first} * width;
        for (std::int64_t j = 0; j < width; ++j)
            target[j] += static_cast<Wide<T>>(dy[i * width + j]);
    }
}

}  // namespace r1::reference
