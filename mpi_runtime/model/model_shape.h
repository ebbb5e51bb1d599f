// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "recipes/recipe.h"

namespace r1 {

/// The numbers of a model that its code needs: the recipe's section with the vocabulary filled in.
/// Of a slice (slice_shape()), attention and intermediate are what the slice has.
struct ModelShape {
    std::int32_t hidden = 0;
    std::int32_t intermediate = 0;
    std::int32_t layers = 0;
    HeadShape attention;
    std::int32_t vocabulary = 0;  ///< of the whole model
    std::int32_t max_positions = 0;
    double rms_norm_eps = 1e-6;
    double rope_theta = 10000;
    bool attention_bias = false;
    bool tied = false;  ///< the output projection is the embedding
    double initializer_range = 0.02;
    std::int32_t slice = 0;   ///< which of the slices
    std::int32_t slices = 1;  ///< that make up the model

    /// The vocabulary's rows that slice `index` has, in equal parts one behind the other.
    TablePart vocabulary_of(std::int32_t index) const {
        const auto first = [&](std::int64_t part) {
            return static_cast<std::int32_t>(vocabulary * part / slices);
        };
        return {first(index), first(index + 1) - first(index)};
    }
    TablePart vocabulary_part() const { return vocabulary_of(slice); }
};

inline ModelShape make_model_shape(const ModelSection& section, std::int32_t vocabulary) {
    const auto narrow = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
    const std::int64_t kv_heads = section.num_key_value_heads != 0 ? section.num_key_value_heads
                                                                   : section.num_attention_heads;
    const std::int64_t head_dim = section.head_dim != 0
                                      ? section.head_dim
                                      : section.hidden_size / section.num_attention_heads;
    ModelShape shape;
    shape.hidden = narrow(section.hidden_size);
    shape.intermediate = narrow(section.intermediate_size);
    shape.layers = narrow(section.num_hidden_layers);
    shape.attention = {narrow(section.num_attention_heads), narrow(kv_heads), narrow(head_dim)};
    shape.vocabulary = vocabulary;
    shape.max_positions = narrow(section.max_position_embeddings);
    shape.rms_norm_eps = section.rms_norm_eps;
    shape.rope_theta = section.rope_theta;
    shape.attention_bias = section.attention_bias;
    shape.tied = section.tie_word_embeddings;
    shape.initializer_range = section.initializer_range;
    return shape;
}

}  // namespace r1
