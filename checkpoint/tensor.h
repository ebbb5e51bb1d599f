// SPDX-License-Identifier: Apache-2.0
// What a tensor in a checkpoint is: its name, type and shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace r1 {

/// kBfloat16 is stored as HDF5's unsigned 16-bit integer with an attribute dtype="bf16".
enum class TensorType { kFloat32, kFloat64, kInt32, kInt64, kUint8, kBfloat16 };
std::size_t bytes_of(TensorType type);
const char* to_string(TensorType type);  ///< "float32", …, "bfloat16"
std::optional<TensorType> parse_tensor_type(std::string_view name);

/// shape × type, or nullopt when a side is negative, there are more than 32, or it overflows.
std::optional<std::uint64_t> checked_bytes(TensorType type, const std::vector<std::int64_t>& shape);

/// Whether a name may become an HDF5 path: '/' between non-empty parts, none of them "." or "..".
bool is_tensor_name(std::string_view name);

/// What a tensor is, without its values.
struct TensorInfo {
    std::string name;  ///< becomes the HDF5 path: "model/lm_head.weight", "adam/m/lm_head.weight"
    TensorType type = TensorType::kFloat32;
    std::vector<std::int64_t> shape;
    /// Throws Error (kCheckpoint) when the shape is impossible.
    std::uint64_t bytes() const;
};

}  // namespace r1
