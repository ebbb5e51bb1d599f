// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/parameter_layout.h"

#include <utility>

namespace r1 {

namespace {

// 64 bytes of float: every group of tensors begins on a cache line.
constexpr std::size_t kAlignment = 16;

}  // namespace

std::size_t ParameterLayout::append(std::string name, std::vector<std::int64_t> shape,
                                    InitialValue initial) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    const std::size_t offset = size_;
    views_.push_back({std::move(name), std::move(shape), offset, count, initial});
    size_ += count;
    return offset;
}

void ParameterLayout::align() {
    size_ = (size_ + kAlignment - 1) / kAlignment * kAlignment;
}

ParameterLayout::ParameterLayout(const ModelShape& shape) {
    const std::int64_t hidden = shape.hidden;
    const std::int64_t query_width = shape.attention.query_width();
    const std::int64_t kv_width = shape.attention.kv_width();
    embedding_ =
        append("model.embed_tokens.weight", {shape.vocabulary, hidden}, InitialValue::kEmbedding);
    for (std::int32_t index = 0; index < shape.layers; ++index) {
        const std::string prefix = "model.layers." + std::to_string(index) + ".";
        const auto linear = [&](const char* name, std::int64_t out, std::int64_t in,
                                InitialValue initial = InitialValue::kLinear) {
            return append(prefix + name, {out, in}, initial);
        };
        LayerOffsets at;
        align();
        at.input_norm = append(prefix + "input_layernorm.weight", {hidden}, InitialValue::kOne);
        align();
        at.qkv = linear("self_attn.q_proj.weight", query_width, hidden);
        linear("self_attn.k_proj.weight", kv_width, hidden);
        linear("self_attn.v_proj.weight", kv_width, hidden);
        if (shape.attention_bias) {
            align();
            at.qkv_bias =
                append(prefix + "self_attn.q_proj.bias", {query_width}, InitialValue::kZero);
            append(prefix + "self_attn.k_proj.bias", {kv_width}, InitialValue::kZero);
            append(prefix + "self_attn.v_proj.bias", {kv_width}, InitialValue::kZero);
        }
        align();
        at.output =
            linear("self_attn.o_proj.weight", hidden, query_width, InitialValue::kResidualOutput);
        align();
        at.middle_norm =
            append(prefix + "post_attention_layernorm.weight", {hidden}, InitialValue::kOne);
        align();
        at.gate_up = linear("mlp.gate_proj.weight", shape.intermediate, hidden);
        linear("mlp.up_proj.weight", shape.intermediate, hidden);
        align();
        at.down = linear("mlp.down_proj.weight", hidden, shape.intermediate,
                         InitialValue::kResidualOutput);
        layers_.push_back(at);
    }
    align();
    final_norm_ = append("model.norm.weight", {hidden}, InitialValue::kOne);
    align();
    head_ = shape.tied
                ? embedding_
                : append("lm_head.weight", {shape.vocabulary, hidden}, InitialValue::kEmbedding);
    align();
}

std::size_t ParameterLayout::parameter_count() const {
    std::size_t count = 0;
    for (const ParameterView& view : views_) count += view.count;
    return count;
}

}  // namespace r1
