// SPDX-License-Identifier: Apache-2.0
// Sequences laid behind one another, never padded. The rows that have a loss come from recorded
// positions, never from the value of a token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/array.h"
#include "kernels/backend.h"

namespace r1 {

/// A packed batch in host memory. Row r predicts the token after it; loss_rows lists the rows whose
/// prediction is in the loss and targets the tokens they should predict.
struct PackedBatch {
    std::vector<std::int32_t> tokens;      ///< [rows]
    std::vector<std::int32_t> positions;   ///< [rows], from 0 in each sequence
    std::vector<std::int32_t> offsets{0};  ///< [sequences + 1]
    std::vector<std::int32_t> loss_rows;   ///< ascending
    std::vector<std::int32_t> targets;     ///< [loss_rows]

    std::int32_t rows() const { return static_cast<std::int32_t>(tokens.size()); }
    std::int32_t sequences() const { return static_cast<std::int32_t>(offsets.size()) - 1; }
    std::int32_t longest() const;
    void clear();
    /// Appends prompt + completion; every completion token, its last one included, is in the loss.
    /// The last token predicts nothing and so is no row.
    void append(std::span<const std::int32_t> prompt, std::span<const std::int32_t> completion);
};

/// Its arrays in the memory of a device; refilled for each batch.
class DeviceBatch {
  public:
    void load(Device& device, const PackedBatch& batch);

    const std::int32_t* tokens() const { return tokens_.data(); }
    const std::int32_t* positions() const { return positions_.data(); }
    const std::int32_t* loss_rows() const { return loss_rows_.data(); }
    const std::int32_t* targets() const { return targets_.data(); }
    std::int32_t rows() const { return sequences_.rows; }
    std::int32_t loss_count() const { return loss_count_; }
    PackedSequences sequences() const { return sequences_; }

  private:
    Array<std::int32_t> tokens_, positions_, offsets_, loss_rows_, targets_;
    PackedSequences sequences_;
    std::int32_t loss_count_ = 0;
};

}  // namespace r1
