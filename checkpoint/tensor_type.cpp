// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "common/error.h"

namespace r1 {

std::size_t bytes_of(TensorType type) {
    switch (type) {
        case TensorType::kFloat32:
        case TensorType::kInt32:
            return 4;
        case TensorType::kFloat64:
        case TensorType::kInt64:
            return 8;
        case TensorType::kUint8:
            break;
    }
    return 1;
}

const char* to_string(TensorType type) {
    switch (type) {
        case TensorType::kFloat32:
            return "float32";
        case TensorType::kFloat64:
            return "float64";
        case TensorType::kInt32:
            return "int32";
        case TensorType::kInt64:
            return "int64";
        case TensorType::kUint8:
            break;
    }
    return "uint8";
}

std::optional<std::uint64_t> checked_bytes(TensorType type,
                                           const std::vector<std::int64_t>& shape) {
    constexpr std::size_t kMostSides = 32;  // HDF5's own limit
    if (shape.size() > kMostSides) return std::nullopt;
    std::uint64_t bytes = bytes_of(type);
    bool empty = false;
    for (const std::int64_t side : shape) {
        if (side < 0) return std::nullopt;
        if (side == 0)
            empty = true;
        else if (bytes >
                 std::numeric_limits<std::int64_t>::max() / static_cast<std::uint64_t>(side))
            return std::nullopt;
        else
            bytes *= static_cast<std::uint64_t>(side);
    }
    return empty ? 0 : bytes;
}

std::size_t TensorView::bytes() const {
    const std::optional<std::uint64_t> bytes = checked_bytes(type, shape);
    if (!bytes) throw Error(ExitCode::kCheckpoint, "tensor '" + name + "' has an impossible shape");
    return *bytes;
}

}  // namespace r1
