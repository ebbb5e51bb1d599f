// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/model_slice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>

#include "common/error.h"
#include "mpi_runtime/model/slice_softmax.h"
#include "tests/common/message_of.h"
#include "tests/mpi_runtime/model/small_model.h"

namespace r1 {
namespace {

ModelShape divisible_shape(bool bias, bool tied) {
    ModelShape shape = test::small_shape(bias, tied);
    shape.intermediate = 12;
    return shape;
}

std::vector<float> numbered(const ParameterLayout& layout) {
    std::vector<float> values(layout.size(), 0.0f);
    float next = 0;
    for (const ParameterView& view : layout.views())
        for (std::size_t i = 0; i < view.count; ++i) values[view.offset + i] = ++next;
    return values;
}

TEST(ModelSlice, ShapesAreThoseOfMegatron) {
    const ParameterLayout layout(slice_shape(divisible_shape(true, false), 1, 2));
    std::map<std::string, ParameterView> views;
    for (const ParameterView& view : layout.views()) views[view.name] = view;
    const auto expect = [&](const char* name, std::vector<std::int64_t> shape, Cut cut,
                            std::int64_t first) {
        const ParameterView& view = views.at(name);
        EXPECT_EQ(view.shape, shape) << name;
        EXPECT_EQ(view.cut, cut) << name;
        EXPECT_EQ(view.first, first) << name;
    };
    expect("model.embed_tokens.weight", {6, 12}, Cut::kRows, 5);
    expect("model.layers.1.input_layernorm.weight", {12}, Cut::kNone, 0);
    expect("model.layers.1.self_attn.q_proj.weight", {12, 12}, Cut::kRows, 12);
    expect("model.layers.1.self_attn.k_proj.weight", {6, 12}, Cut::kRows, 6);
    expect("model.layers.1.self_attn.v_proj.bias", {6}, Cut::kRows, 6);
    expect("model.layers.1.self_attn.o_proj.weight", {12, 12}, Cut::kColumns, 12);
    expect("model.layers.1.mlp.up_proj.weight", {6, 12}, Cut::kRows, 6);
    expect("model.layers.1.mlp.down_proj.weight", {12, 6}, Cut::kColumns, 6);
    expect("lm_head.weight", {6, 12}, Cut::kRows, 5);
}

TEST(ModelSlice, SlicesPutTogetherAreTheWhole) {
    for (const bool tied : {false, true}) {
        const ModelShape shape = divisible_shape(!tied, tied);
        const ParameterLayout whole(shape);
        const std::vector<float> values = numbered(whole);
        for (const std::int32_t slices : {1, 2}) {
            std::vector<float> joined(whole.size(), 0.0f);
            for (std::int32_t slice = 0; slice < slices; ++slice) {
                const ParameterLayout layout(slice_shape(shape, slice, slices));
                const std::vector<float> part = cut_parameters<float>(layout, values, whole);
                for (std::size_t s = 0; s < layout.sections().size(); ++s)
                    join_section(joined.data() + whole.sections()[s].first, whole,
                                 part.data() + layout.sections()[s].first, layout, s);
            }
            EXPECT_EQ(joined, values) << slices;
        }
    }
}

TEST(ModelSlice, ColumnsAreCutOutOfEveryRow) {
    const ModelShape shape = divisible_shape(false, false);
    const ParameterLayout whole(shape);
    const ParameterLayout layout(slice_shape(shape, 1, 2));
    const std::vector<float> values = numbered(whole);
    const std::vector<float> part = cut_parameters<float>(layout, values, whole);
    for (std::size_t row = 0; row < 12; ++row)
        for (std::size_t column = 0; column < 6; ++column)
            EXPECT_EQ(part[layout.layer(1).down + row * 6 + column],
                      values[whole.layer(1).down + row * 12 + 6 + column]);
}

TEST(ModelSlice, WhatDoesNotDivideIsRefusedNamingTheKey) {
    const ModelShape shape = test::small_shape(false, false);  // 4 and 2 heads, 10 columns
    const auto refusal = [&](std::int32_t slices) {
        return message_of([&] { slice_shape(shape, 0, slices); });
    };
    EXPECT_NE(refusal(3).find("parallel.tensor 3 does not divide the model's "
                              "num_attention_heads of 4"),
              std::string::npos)
        << refusal(3);
    EXPECT_NE(refusal(4).find("num_key_value_heads of 2"), std::string::npos) << refusal(4);
    ModelShape odd = shape;
    odd.intermediate = 9;
    EXPECT_NE(message_of([&] { slice_shape(odd, 0, 2); }).find("intermediate_size of 9"),
              std::string::npos);
    ModelShape words = shape;
    words.vocabulary = 1;
    EXPECT_NE(message_of([&] { slice_shape(words, 0, 2); }).find("vocabulary's 1 token"),
              std::string::npos);
}

TEST(SliceSoftmax, MergedPartsAreTheSoftmaxOfAll) {
    const std::vector<double> logits{0.3, -2.0, 700.5, 699.0, 1.0, 698.25, 3.5};
    const std::vector<std::size_t> bounds{0, 2, 3, 7};  // one part has next to nothing
    const auto log_sum = [&](std::size_t first, std::size_t last) {
        double sum = 0;
        for (std::size_t j = first; j < last; ++j) sum += std::exp(logits[j] - 700.5);
        return 700.5 + std::log(sum);
    };
    const auto entropy = [&](std::size_t first, std::size_t last) {
        double h = 0;
        for (std::size_t j = first; j < last; ++j) {
            const double log_p = logits[j] - log_sum(first, last);
            if (std::exp(log_p) > 0) h -= std::exp(log_p) * log_p;
        }
        return h;
    };
    std::vector<SoftmaxPart> parts;
    for (std::size_t s = 0; s + 1 < bounds.size(); ++s)
        parts.push_back({log_sum(bounds[s], bounds[s + 1]), entropy(bounds[s], bounds[s + 1]), 0});
    parts[2].scaled = logits[5];
    const SoftmaxWhole whole = merge_softmax(parts, 2, 1);
    // A handful of operations on numbers up to 700.
    const double tolerance = 10 * 700 * 0x1p-53;
    EXPECT_NEAR(whole.logprob, logits[5] - log_sum(0, 7), tolerance);
    EXPECT_NEAR(whole.entropy, entropy(0, 7), tolerance);
    EXPECT_NEAR(whole.log_share, logits[2] - log_sum(0, 7), tolerance);
}

}  // namespace
}  // namespace r1
