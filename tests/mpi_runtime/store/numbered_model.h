// SPDX-License-Identifier: Apache-2.0
// Tensors whose values say which step they are of, cut over any number of ranks.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "mpi_runtime/store/volume.h"

namespace r1::test {

inline const std::vector<TensorInfo>& numbered_tensors() {
    static const std::vector<TensorInfo> tensors{
        {"model/embed", TensorType::kFloat32, {700, 33}},  // rows that end inside of pages
        {"model/norm", TensorType::kFloat32, {96}},
        {"model/wide", TensorType::kFloat32, {8, 512, 512}},  // more than a block
        {"adam/m/embed", TensorType::kFloat32, {700, 33}},
        {"counters", TensorType::kInt64, {3}},
        {"half", TensorType::kBfloat16, {5, 7}},
        {"empty", TensorType::kFloat32, {0, 7}}};
    return tensors;
}

/// Byte i of a tensor at a step.
inline unsigned char numbered_byte(std::size_t tensor, std::uint64_t i, std::int64_t step) {
    return static_cast<unsigned char>(
        (i * 131 + tensor * 31 + static_cast<std::uint64_t>(step) * 7) >> 3);
}

/// Rank `rank` of `ranks` has equal numbers of rows of every tensor; the last one has the empty
/// ones.
inline std::vector<TensorRange> ranges_of(int rank, int ranks) {
    std::vector<TensorRange> ranges;
    for (std::size_t i = 0; i < numbered_tensors().size(); ++i) {
        const TensorInfo& tensor = numbered_tensors()[i];
        const auto rows = static_cast<std::uint64_t>(tensor.shape.front());
        if (rows == 0) {
            if (rank == 0) ranges.push_back({i, 0, 0});
            continue;
        }
        const auto row_at = [&](int at) {
            return rows * static_cast<std::uint64_t>(at) / static_cast<std::uint64_t>(ranks);
        };
        const std::uint64_t row = tensor.bytes() / rows;
        if (row_at(rank) < row_at(rank + 1))
            ranges.push_back({i, row_at(rank) * row, (row_at(rank + 1) - row_at(rank)) * row});
    }
    return ranges;
}

/// One rank's values, in memory of their own.
class NumberedShard {
  public:
    NumberedShard(int rank, int ranks)
        : rank_(rank), ranks_(ranks), ranges_(ranges_of(rank, ranks)) {
        for (const TensorRange& range : ranges_) values_.emplace_back(range.bytes);
    }
    void set_step(std::int64_t step) {
        for (std::size_t i = 0; i < ranges_.size(); ++i)
            for (std::uint64_t at = 0; at < ranges_[i].bytes; ++at)
                values_[i][at] = numbered_byte(ranges_[i].tensor, ranges_[i].begin + at, step);
    }
    Volume volume(const std::string& prefix = kFilePrefix) const {
        Volume volume;
        volume.prefix = prefix;
        volume.tensors = numbered_tensors();
        for (int rank = 0; rank < ranks_; ++rank) volume.ranges.push_back(ranges_of(rank, ranks_));
        for (const auto& values : values_) volume.own.push_back(values.data());
        return volume;
    }

  private:
    int rank_, ranks_;
    std::vector<TensorRange> ranges_;
    std::vector<std::vector<unsigned char>> values_;
};

/// Reads this rank's part alone. Bytes that are not those of the step.
inline std::uint64_t count_wrong(const std::filesystem::path& folder, std::int64_t step, int rank,
                                 int ranks) {
    const Manifest manifest = read_manifest(folder);
    TensorReader reader(folder, manifest);
    std::uint64_t wrong = 0;
    for (const TensorRange& range : ranges_of(rank, ranks)) {
        const TensorInfo& info = numbered_tensors()[range.tensor];
        const TensorEntry& tensor = manifest.tensor(info.name);
        if (tensor.shape != info.shape || tensor.type != info.type) return range.bytes + 1;
        std::vector<unsigned char> bytes(range.bytes);
        reader.read(tensor, range.begin, range.bytes, bytes.data());
        for (std::uint64_t at = 0; at < range.bytes; ++at)
            wrong += bytes[at] != numbered_byte(range.tensor, range.begin + at, step) ? 1 : 0;
    }
    return wrong;
}

}  // namespace r1::test
