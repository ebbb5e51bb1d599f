// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/workspace.h"

#include <cmath>
#include <vector>

#include "kernels/host_memory.h"

namespace r1::cpu {

Scratch::~Scratch() {
    release_host(memory_);
}

void* Scratch::reserve(std::size_t bytes) {
    if (bytes > bytes_) {
        release_host(memory_);
        memory_ = nullptr;
        bytes_ = 0;
        memory_ = allocate_host(bytes);
        bytes_ = bytes;
    }
    return memory_;
}

struct RopeTable::Rows {
    std::vector<float> values;
    std::int32_t count = 0;
    std::int32_t head_dim = 0;
    double theta = 0;
};

RopeTable::RopeTable() : rows_(std::make_unique<Rows>()) {}
RopeTable::~RopeTable() = default;

const float* RopeTable::rows(std::int32_t last_position, std::int32_t head_dim, double theta) {
    if (rows_->head_dim != head_dim || rows_->theta != theta) {
        *rows_ = Rows{{}, 0, head_dim, theta};
    }
    const std::int32_t half = head_dim / 2;
    if (last_position >= rows_->count) {
        rows_->values.reserve(static_cast<std::size_t>(last_position + 1) *
                              static_cast<std::size_t>(head_dim));
    }
    for (; rows_->count <= last_position; ++rows_->count) {
        for (std::int32_t part = 0; part < 2; ++part) {
            for (std::int32_t j = 0; j < half; ++j) {
                const double angle = rows_->count * std::pow(theta, -2.0 * j / head_dim);
                rows_->values.push_back(
                    static_cast<float>(part == 0 ? std::cos(angle) : std::sin(angle)));
            }
        }
    }
    return rows_->values.data();
}

}  // namespace r1::cpu
