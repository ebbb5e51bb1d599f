// SPDX-License-Identifier: Apache-2.0
// All parameters live in one flat buffer, so that an all-reduce and the optimizer are one call
// each. Files keep every tensor under its own Hugging Face name and shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mpi_runtime/model/model_shape.h"

namespace r1 {

/// How a tensor starts.
enum class InitialValue { kZero, kOne, kEmbedding, kLinear, kResidualOutput };

/// One named tensor within the flat buffer.
struct ParameterView {
    std::string name;
    std::vector<std::int64_t> shape;  ///< [out, in] for matrices
    std::size_t offset = 0;           ///< in values
    std::size_t count = 0;
    InitialValue initial = InitialValue::kZero;
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

  private:
    std::size_t append(std::string name, std::vector<std::int64_t> shape, InitialValue initial);
    void align();

    std::vector<ParameterView> views_;
    std::vector<LayerOffsets> layers_;
    std::size_t embedding_ = 0;
    std::size_t final_norm_ = 0;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace r1
