// SPDX-License-Identifier: Apache-2.0
// All parameters live in one flat buffer, so that an all-reduce and the optimizer are one call
// each. Files keep every tensor under its own Hugging Face name and shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mpi_runtime/comm/value_range.h"
#include "mpi_runtime/model/model_shape.h"

namespace r1 {

/// How a tensor starts.
enum class InitialValue { kZero, kOne, kEmbedding, kLinear, kResidualOutput };

/// How the slices of a model share a tensor (Shoeybi et al. 2019): each has all of it, some of its
/// rows (or values of a vector), or some of its columns.
enum class Cut { kNone, kRows, kColumns };

/// One named tensor within the flat buffer.
struct ParameterView {
    std::string name;
    std::vector<std::int64_t> shape;  ///< [out, in] for matrices; of a slice, what it has
    std::size_t offset = 0;           ///< in values
    std::size_t count = 0;
    InitialValue initial = InitialValue::kZero;
    Cut cut = Cut::kNone;
    std::int64_t first = 0;  ///< the slice's first row or column in the whole tensor
};

/// Where one layer's tensors begin. q, k and v lie behind one another, and so do gate and up, so
/// that each group is one matrix product.
struct LayerOffsets {
    std::size_t input_norm = 0;
    std::size_t qkv = 0;
    std::size_t qkv_bias = 0;  ///< meaningless without attention_bias
    std::size_t output = 0;
    std::size_t middle_norm = 0;
    std::size_t gate_up = 0;
    std::size_t down = 0;
};

class ParameterLayout {
  public:
    /// The tensors of a slice have the order and the sections that those of the whole model have.
    explicit ParameterLayout(const ModelShape& shape);

    /// Values in the buffer; gaps between tensors are zero and stay zero.
    std::size_t size() const { return size_; }
    /// Values in named tensors: the number of parameters.
    std::size_t parameter_count() const;
    const std::vector<ParameterView>& views() const { return views_; }
    const LayerOffsets& layer(std::int32_t index) const {
        return layers_[static_cast<std::size_t>(index)];
    }
    std::size_t embedding() const { return embedding_; }
    std::size_t final_norm() const { return final_norm_; }
    /// The output projection; the embedding when they are tied.
    std::size_t head() const { return head_; }

    /// What a pass needs at a time, one behind the other the whole buffer: the embedding, each
    /// layer, and the end, which is the final norm with the output projection if that is its own.
    const std::vector<ValueRange>& sections() const { return sections_; }
    static std::size_t layer_section(std::int32_t layer) {
        return static_cast<std::size_t>(layer) + 1;
    }
    std::size_t end_section() const { return sections_.size() - 1; }
    std::size_t head_section() const { return head_ == embedding_ ? 0 : end_section(); }

  private:
    std::size_t append(std::string name, std::vector<std::int64_t> shape, InitialValue initial,
                       Cut cut = Cut::kNone, std::int64_t first = 0);
    void align();

    std::vector<ParameterView> views_;
    std::vector<LayerOffsets> layers_;
    std::vector<ValueRange> sections_;
    std::size_t embedding_ = 0;
    std::size_t final_norm_ = 0;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace r1
