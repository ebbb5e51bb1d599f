// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/parameter_layout.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/mpi_runtime/model/small_model.h"

namespace r1 {
namespace {

std::map<std::string, ParameterView> by_name(const ParameterLayout& layout) {
    std::map<std::string, ParameterView> views;
    for (const ParameterView& view : layout.views()) views[view.name] = view;
    return views;
}

TEST(ParameterLayout, NamesAndShapesAreThoseOfHuggingFaceQwen2) {
    const ParameterLayout layout(test::small_shape(true, false));
    const auto views = by_name(layout);
    using Shape = std::vector<std::int64_t>;
    EXPECT_EQ(views.at("model.embed_tokens.weight").shape, (Shape{11, 12}));
    EXPECT_EQ(views.at("model.layers.1.self_attn.q_proj.weight").shape, (Shape{24, 12}));
    EXPECT_EQ(views.at("model.layers.1.self_attn.k_proj.weight").shape, (Shape{12, 12}));
    EXPECT_EQ(views.at("model.layers.1.self_attn.v_proj.bias").shape, (Shape{12}));
    EXPECT_EQ(views.at("model.layers.1.self_attn.o_proj.weight").shape, (Shape{12, 24}));
    EXPECT_EQ(views.at("model.layers.0.mlp.gate_proj.weight").shape, (Shape{10, 12}));
    EXPECT_EQ(views.at("model.layers.0.mlp.down_proj.weight").shape, (Shape{12, 10}));
    EXPECT_EQ(views.at("model.layers.0.input_layernorm.weight").shape, (Shape{12}));
    EXPECT_EQ(views.at("lm_head.weight").shape, (Shape{11, 12}));
    EXPECT_EQ(views.size(), 2u * 12u + 3u);
}

TEST(ParameterLayout, QueryKeyAndValueLieBehindOneAnother) {
    const ParameterLayout layout(test::small_shape(true, false));
    const auto views = by_name(layout);
    const auto end = [&](const std::string& name) {
        return views.at(name).offset + views.at(name).count;
    };
    const std::string layer = "model.layers.0.";
    EXPECT_EQ(end(layer + "self_attn.q_proj.weight"),
              views.at(layer + "self_attn.k_proj.weight").offset);
    EXPECT_EQ(end(layer + "self_attn.k_proj.bias"),
              views.at(layer + "self_attn.v_proj.bias").offset);
    EXPECT_EQ(end(layer + "mlp.gate_proj.weight"), views.at(layer + "mlp.up_proj.weight").offset);
}

TEST(ParameterLayout, TiedModelHasNoHeadOfItsOwn) {
    const ParameterLayout layout(test::small_shape(false, true));
    EXPECT_EQ(by_name(layout).count("lm_head.weight"), 0u);
    EXPECT_EQ(layout.head(), layout.embedding());
}

TEST(ParameterLayout, NoTwoTensorsOverlap) {
    const ParameterLayout layout(test::small_shape(true, false));
    std::size_t last = 0;
    for (const ParameterView& view : layout.views()) {
        EXPECT_GE(view.offset, last) << view.name;
        last = view.offset + view.count;
    }
    EXPECT_LE(last, layout.size());
    EXPECT_LT(layout.parameter_count(), layout.size() + 1);
}

}  // namespace
}  // namespace r1
