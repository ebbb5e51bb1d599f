// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <limits>
#include <utility>

#include "checkpoint/tensor.h"
#include "common/error.h"
#include "common/text.h"

namespace r1 {
namespace {

constexpr std::size_t kLongestName = 1024;

constexpr std::array<std::pair<TensorType, const char*>, 6> kNames{
    {{TensorType::kFloat32, "float32"},
     {TensorType::kFloat64, "float64"},
     {TensorType::kInt32, "int32"},
     {TensorType::kInt64, "int64"},
     {TensorType::kUint8, "uint8"},
     {TensorType::kBfloat16, "bfloat16"}}};

}  // namespace

std::size_t bytes_of(TensorType type) {
    switch (type) {
        case TensorType::kFloat32:
        case TensorType::kInt32:
            return 4;
        case TensorType::kFloat64:
        case TensorType::kInt64:
            return 8;
        case TensorType::kBfloat16:
            return 2;
        case TensorType::kUint8:
            break;
    }
    return 1;
}

const char* to_string(TensorType type) {
    for (const auto& [known, name] : kNames)
        if (known == type) return name;
    return "unknown";
}

std::optional<TensorType> parse_tensor_type(std::string_view name) {
    for (const auto& [type, known] : kNames)
        if (known == name) return type;
    return std::nullopt;
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

bool is_tensor_name(std::string_view name) {
    if (name.empty() || name.size() > kLongestName || find_invalid_utf8(name) ||
        name.find('\0') != std::string_view::npos)
        return false;
    while (true) {
        const std::size_t slash = name.find('/');
        const std::string_view part = name.substr(0, slash);
        if (part.empty() || part == "." || part == "..") return false;
        if (slash == std::string_view::npos) return true;
        name.remove_prefix(slash + 1);
    }
}

std::uint64_t TensorInfo::bytes() const {
    const std::optional<std::uint64_t> bytes = checked_bytes(type, shape);
    if (!bytes)
        throw Error(ExitCode::kCheckpoint,
                    "tensor '" + printable(name) + "' has an impossible shape");
    return *bytes;
}

}  // namespace r1
