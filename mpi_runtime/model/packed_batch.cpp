// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/packed_batch.h"

#include <algorithm>

namespace r1 {

std::int32_t PackedBatch::longest() const {
    std::int32_t longest = 0;
    for (std::size_t s = 1; s < offsets.size(); ++s)
        longest = std::max(longest, offsets[s] - offsets[s - 1]);
    return longest;
}

void PackedBatch::clear() {
    tokens.clear();
    positions.clear();
    offsets.assign(1, 0);
    loss_rows.clear();
    targets.clear();
}

void PackedBatch::append(std::span<const std::int32_t> prompt,
                         std::span<const std::int32_t> completion) {
    const std::int32_t first_row = rows();
    const std::size_t length = prompt.size() + completion.size();
    for (std::size_t at = 0; at + 1 < length; ++at) {
        tokens.push_back(at < prompt.size() ? prompt[at] : completion[at - prompt.size()]);
        positions.push_back(static_cast<std::int32_t>(at));
        if (at + 1 < prompt.size()) continue;
        loss_rows.push_back(first_row + static_cast<std::int32_t>(at));
        targets.push_back(completion[at + 1 - prompt.size()]);
    }
    offsets.push_back(rows());
}

void DeviceBatch::load(Device& device, const PackedBatch& batch) {
    const auto fill = [&](Array<std::int32_t>& target, const std::vector<std::int32_t>& source) {
        target.reserve(device, source.size());
        if (!source.empty()) target.load(source.data(), source.size());
    };
    fill(tokens_, batch.tokens);
    fill(positions_, batch.positions);
    fill(offsets_, batch.offsets);
    fill(loss_rows_, batch.loss_rows);
    fill(targets_, batch.targets);
    sequences_ = {offsets_.data(), batch.sequences(), batch.rows(), batch.longest()};
    loss_count_ = static_cast<std::int32_t>(batch.loss_rows.size());
}

}  // namespace r1
