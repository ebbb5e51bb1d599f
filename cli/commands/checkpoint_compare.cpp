// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/tensor_parts.h"
#include "cli/commands/checkpoint_values.h"
#include "common/error.h"
#include "common/json.h"

namespace r1::cli {

namespace {

/// A block's place in its tensor.
struct Block {
    ByteRange range;
    const Hash128* hash = nullptr;
};

std::vector<Block> blocks_of(const Manifest& manifest, const TensorEntry& tensor) {
    std::vector<Block> list;
    for (const TensorPiece& piece : tensor.pieces) {
        std::uint64_t at = 0;
        for (const Hash128& hash : piece.blocks) {
            const std::uint64_t end = at + std::min(manifest.block_bytes, piece.bytes - at);
            list.push_back({{piece.begin + at, piece.begin + end}, &hash});
            at = end;
        }
    }
    return list;
}

/// Ranges between places where a block ends in both, without those of equal hash: to be read. Each
/// block is read once.
std::vector<ByteRange> to_be_read(const std::vector<Block>& a, const std::vector<Block>& b) {
    std::vector<ByteRange> ranges;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size(); ++i, ++j) {
        const std::uint64_t begin = a[i].range.begin;
        if (a[i].range.end == b[j].range.end) {
            if (*a[i].hash != *b[j].hash) ranges.push_back(a[i].range);
            continue;
        }
        while (a[i].range.end != b[j].range.end)
            if (a[i].range.end < b[j].range.end)
                ++i;
            else
                ++j;
        ranges.push_back({begin, a[i].range.end});
    }
    return ranges;
}

/// Blocks that are cut in other places meet seldom: what lies between is read in parts of a bounded
/// size. In format 1 a block is a tensor, which would be hashed again for each part of it.
std::vector<ByteRange> bounded(const std::vector<ByteRange>& ranges, const Side& a, const Side& b) {
    constexpr std::uint64_t kLargest = std::uint64_t{64} << 20;
    const bool whole = std::max(a.manifest.block_bytes, b.manifest.block_bytes) > kLargest;
    std::vector<ByteRange> list;
    for (ByteRange range : ranges) {
        for (; !whole && range.end - range.begin > kLargest; range.begin += kLargest)
            list.push_back({range.begin, range.begin + kLargest});
        list.push_back(range);
    }
    return list;
}

std::vector<std::int64_t> place_of(std::uint64_t value, const std::vector<std::int64_t>& shape) {
    std::vector<std::int64_t> place(shape.size());
    for (std::size_t i = shape.size(); i-- > 0;) {
        const auto side = static_cast<std::uint64_t>(shape[i]);
        place[i] = static_cast<std::int64_t>(value % side);
        value /= side;
    }
    return place;
}

template <class Value>
void note(ValueDifference& result, Value a, Value b) {
    ++result.different;
    // Wider than 64 bits of integer, and than the difference of two large doubles.
    const auto x = static_cast<long double>(a);
    const auto y = static_cast<long double>(b);
    if (!std::isfinite(x) || !std::isfinite(y)) {
        ++result.not_finite;
        return;
    }
    const long double apart = std::fabs(x - y);
    const long double size = std::max(std::fabs(x), std::fabs(y));
    result.largest_absolute = std::max(result.largest_absolute, static_cast<double>(apart));
    if (size > 0)
        result.largest_relative =
            std::max(result.largest_relative, static_cast<double>(apart / size));
}

/// Every value at its JSON pointer.
std::map<std::string, std::string> flat(const Json& object) {
    std::map<std::string, std::string> values;
    const Json flattened = object.flatten();
    for (const auto& [key, value] : flattened.items())
        values[key] = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return values;
}

}  // namespace

ValueDifference compare_values(const Side& a, const TensorEntry& tensor_a, const Side& b,
                               const TensorEntry& tensor_b) {
    const std::uint64_t width = bytes_of(tensor_a.type);
    const std::uint64_t total = tensor_a.bytes();
    ValueDifference result;
    result.values = total / width;
    TensorReader reader_a(a.path, a.manifest);
    TensorReader reader_b(b.path, b.manifest);
    std::vector<char> bytes_a;
    std::vector<char> bytes_b;
    std::uint64_t done = 0;  // a value over the edge of two ranges counts once
    const auto ranges =
        to_be_read(blocks_of(a.manifest, tensor_a), blocks_of(b.manifest, tensor_b));
    for (const ByteRange& range : bounded(ranges, a, b)) {
        const std::uint64_t begin = std::max(done, range.begin - range.begin % width);
        const std::uint64_t end = std::min(total, (range.end + width - 1) / width * width);
        done = std::max(done, end);
        if (begin >= end) continue;
        bytes_a.resize(end - begin);
        bytes_b.resize(end - begin);
        reader_a.read(tensor_a, begin, end - begin, bytes_a.data());
        reader_b.read(tensor_b, begin, end - begin, bytes_b.data());
        result.bytes_read += end - begin;
        with_values(tensor_a.type, [&](auto value_at) {
            for (std::uint64_t i = 0; i < (end - begin) / width; ++i) {
                if (std::memcmp(&bytes_a[i * width], &bytes_b[i * width], width) == 0) continue;
                if (result.different == 0)
                    result.first = place_of(begin / width + i, tensor_a.shape);
                note(result, value_at(bytes_a.data(), i), value_at(bytes_b.data(), i));
            }
        });
    }
    return result;
}

std::vector<StateDifference> compare_states(const std::string& a, const std::string& b) {
    if (a == b) return {};
    std::map<std::string, std::string> values_a;
    std::map<std::string, std::string> values_b;
    try {
        values_a = flat(parse_json_object(a, "state"));
        values_b = flat(parse_json_object(b, "state"));
    } catch (const Error&) {
        return {{"", a, b}};
    }
    std::vector<StateDifference> list;
    for (const auto& [key, value] : values_a) {
        const auto other = values_b.find(key);
        if (other == values_b.end())
            list.push_back({key, value, ""});
        else if (other->second != value)
            list.push_back({key, value, other->second});
    }
    for (const auto& [key, value] : values_b)
        if (!values_a.contains(key)) list.push_back({key, "", value});
    return list;
}

}  // namespace r1::cli
