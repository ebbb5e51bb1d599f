// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/parameter_layout.h"

#include <utility>

namespace r1 {

namespace {

// 64 bytes of float: every group of tensors begins on a cache line.
constexpr std::size_t kAlignment = 16;

}  // namespace

std::size_t ParameterLayout::append(std::string name, std::vector<std::int64_t> shape,
                                    InitialValue initial, Cut cut, std::int64_t first) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    const std::size_t offset = size_;
    views_.push_back({std::move(name), std::move(shape), offset, count, initial, cut, first});
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
    const std::int64_t intermediate = shape.intermediate;
    const TablePart words = shape.vocabulary_part();
    // Every extent that is cut in equal parts: the slice's part begins behind those before it.
    const auto before = [&](std::int64_t extent) { return shape.slice * extent; };
    const auto end_section = [&] {
        align();
        sections_.push_back({sections_.empty() ? 0 : sections_.back().last, size_});
    };
    embedding_ = append("model.embed_tokens.weight", {words.count, hidden},
                        InitialValue::kEmbedding, Cut::kRows, words.first);
    for (std::int32_t index = 0; index < shape.layers; ++index) {
        const std::string prefix = "model.layers." + std::to_string(index) + ".";
        const auto rows_of = [&](const char* name, std::int64_t out) {
            return append(prefix + name, {out, hidden}, InitialValue::kLinear, Cut::kRows,
                          before(out));
        };
        const auto columns_of = [&](const char* name, std::int64_t in) {
            return append(prefix + name, {hidden, in}, InitialValue::kResidualOutput, Cut::kColumns,
                          before(in));
        };
        const auto bias_of = [&](const char* name, std::int64_t out) {
            return append(prefix + name, {out}, InitialValue::kZero, Cut::kRows, before(out));
        };
        end_section();
        LayerOffsets at;
        at.input_norm = append(prefix + "input_layernorm.weight", {hidden}, InitialValue::kOne);
        align();
        at.qkv = rows_of("self_attn.q_proj.weight", query_width);
        rows_of("self_attn.k_proj.weight", kv_width);
        rows_of("self_attn.v_proj.weight", kv_width);
        if (shape.attention_bias) {
            align();
            at.qkv_bias = bias_of("self_attn.q_proj.bias", query_width);
            bias_of("self_attn.k_proj.bias", kv_width);
            bias_of("self_attn.v_proj.bias", kv_width);
        }
        align();
        at.output = columns_of("self_attn.o_proj.weight", query_width);
        align();
        at.middle_norm =
            append(prefix + "post_attention_layernorm.weight", {hidden}, InitialValue::kOne);
        align();
        at.gate_up = rows_of("mlp.gate_proj.weight", intermediate);
        rows_of("mlp.up_proj.weight", intermediate);
        align();
        at.down = columns_of("mlp.down_proj.weight", intermediate);
        layers_.push_back(at);
    }
    end_section();
    final_norm_ = append("model.norm.weight", {hidden}, InitialValue::kOne);
    align();
    head_ = shape.tied ? embedding_
                       : append("lm_head.weight", {words.count, hidden}, InitialValue::kEmbedding,
                                Cut::kRows, words.first);
    end_section();
}

std::size_t ParameterLayout::parameter_count() const {
    std::size_t count = 0;
    for (const ParameterView& view : views_) count += view.count;
    return count;
}

}  // namespace r1
