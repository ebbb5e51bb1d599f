// SPDX-License-Identifier: Apache-2.0
// The values of a tensor, whatever their type.
#pragma once

#include <cstdint>
#include <cstring>

#include "checkpoint/tensor.h"
#include "common/bfloat16.h"

namespace r1::cli {

inline bool is_float(TensorType type) {
    return type == TensorType::kFloat32 || type == TensorType::kFloat64 ||
           type == TensorType::kBfloat16;
}

namespace detail {

template <class Raw>
Raw value_at(const char* data, std::uint64_t i) {
    Raw value;
    std::memcpy(&value, data + i * sizeof(Raw), sizeof(Raw));
    return value;
}

}  // namespace detail

/// Calls `use` with a function that gives value i of the bytes at `data` in a type that holds it
/// exactly: float, double, std::int32_t, std::int64_t or std::uint8_t.
template <class Use>
void with_values(TensorType type, Use use) {
    using detail::value_at;
    switch (type) {
        case TensorType::kFloat32:
            return use(value_at<float>);
        case TensorType::kFloat64:
            return use(value_at<double>);
        case TensorType::kInt32:
            return use(value_at<std::int32_t>);
        case TensorType::kInt64:
            return use(value_at<std::int64_t>);
        case TensorType::kUint8:
            return use(value_at<std::uint8_t>);
        case TensorType::kBfloat16:
            return use([](const char* data, std::uint64_t i) {
                return from_bfloat16(value_at<std::uint16_t>(data, i));
            });
    }
}

}  // namespace r1::cli
