// SPDX-License-Identifier: Apache-2.0
// Parameters of a model, and what one token costs that goes through it.
#pragma once

#include <cstdint>

#include "recipes/recipe.h"

namespace r1 {

/// Parameters of the model of a stage: all, and those that one token goes through.
struct ModelCount {
    double total = 0;
    double active = 0;  ///< multiplied with for one token: the experts that it is sent to, no table
    double embedding = 0;  ///< of the total: looked up, not multiplied with
    double experts = 0;    ///< of the total: routed, so that expert-parallel ranks share them
};
ModelCount count_parameters(const ModelSection& model, std::int64_t vocabulary);

/// Words of the tokenizer that every task has: 256 bytes and 5 special tokens. It is made in
/// mpi_runtime/tokenizer/byte_tokenizer.cpp, which this side does not link.
constexpr std::int64_t kTaskVocabulary = 261;
/// The model's own number of words, or the tokenizer's.
std::int64_t vocabulary_of(const ModelSection& model);

/// What grows with the tokens of a pass over the whole model.
struct TokenCost {
    double flops = 0;              ///< forward pass of one token, without attention to others
    double flops_per_context = 0;  ///< and for each earlier token that it attends to
    double decode_flops_per_context = 0;  ///< the same over the cache while decoding
    double cache_values = 0;              ///< what one token leaves in the KV cache
    double kept_values = 0;     ///< activations that the backward pass needs, of one block
    double scratch_values = 0;  ///< of the backward pass, besides
    double handled_values = 0;  ///< that go through norms, gates, sums and a softmax of words
};
TokenCost token_cost(const ModelSection& model, std::int64_t vocabulary);

}  // namespace r1
