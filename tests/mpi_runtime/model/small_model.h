// SPDX-License-Identifier: Apache-2.0
// A model small enough for finite differences, and random batches for it.
#pragma once

#include <vector>

#include "common/random.h"
#include "mpi_runtime/model/packed_batch.h"
#include "mpi_runtime/model/parameter_layout.h"

namespace r1::test {

inline ModelShape small_shape(bool bias, bool tied) {
    ModelShape shape;
    shape.hidden = 12;
    shape.intermediate = 10;
    shape.layers = 2;
    shape.attention = {4, 2, 6};
    shape.vocabulary = 11;
    shape.max_positions = 32;
    shape.attention_bias = bias;
    shape.tied = tied;
    return shape;
}

/// Every value random, norms and biases too, so that no gradient vanishes by symmetry.
template <class T>
std::vector<T> random_parameters(const ParameterLayout& layout) {
    std::vector<T> values(layout.size(), T{0});
    RandomStream stream(make_key(7, Purpose::kInit), 0);
    for (const ParameterView& view : layout.views())
        for (std::size_t i = 0; i < view.count; ++i)
            values[view.offset + i] =
                static_cast<T>((view.shape.size() == 1 ? 1.0 : 0.0) + 0.3 * stream.normal());
    return values;
}

inline std::vector<std::int32_t> random_tokens(std::size_t count, std::uint32_t which,
                                               std::int32_t vocabulary) {
    RandomStream stream(make_key(9, Purpose::kPrompt), which);
    std::vector<std::int32_t> tokens;
    for (std::size_t i = 0; i < count; ++i)
        tokens.push_back(
            static_cast<std::int32_t>(stream.below(static_cast<std::uint32_t>(vocabulary))));
    return tokens;
}

/// Three sequences of unequal lengths.
inline PackedBatch small_batch(std::int32_t vocabulary) {
    PackedBatch batch;
    batch.append(random_tokens(3, 0, vocabulary), random_tokens(5, 1, vocabulary));
    batch.append(random_tokens(1, 2, vocabulary), random_tokens(1, 3, vocabulary));
    batch.append(random_tokens(4, 4, vocabulary), random_tokens(2, 5, vocabulary));
    return batch;
}

}  // namespace r1::test
