// SPDX-License-Identifier: Apache-2.0
// The shapes that are measured. Weights are random: no figure depends on their values.
#pragma once

#include "mpi_runtime/model/model_shape.h"

namespace r1::bench {

/// Qwen2.5-1.5B.
inline ModelShape qwen2_1_5b() {
    ModelShape shape;
    shape.hidden = 1536;
    shape.intermediate = 8960;
    shape.layers = 28;
    shape.attention = {12, 2, 128};
    shape.vocabulary = 151936;
    shape.max_positions = 32768;
    shape.rope_theta = 1e6;
    shape.attention_bias = true;
    shape.tied = true;
    return shape;
}

/// Qwen2.5-0.5B.
inline ModelShape qwen2_0_5b() {
    ModelShape shape = qwen2_1_5b();
    shape.hidden = 896;
    shape.intermediate = 4864;
    shape.layers = 24;
    shape.attention = {14, 2, 64};
    return shape;
}

/// For proving on a CPU that the programs run.
inline ModelShape tiny() {
    ModelShape shape = qwen2_1_5b();
    shape.hidden = 64;
    shape.intermediate = 96;
    shape.layers = 2;
    shape.attention = {4, 2, 16};
    shape.vocabulary = 64;
    shape.max_positions = 256;
    return shape;
}

/// recipes/addition-tiny.yaml.
inline ModelShape addition_tiny(std::int32_t vocabulary) {
    ModelShape shape;
    shape.hidden = 96;
    shape.intermediate = 192;
    shape.layers = 2;
    shape.attention = {3, 3, 32};
    shape.vocabulary = vocabulary;
    shape.max_positions = 64;
    shape.initializer_range = 0.1;
    return shape;
}

}  // namespace r1::bench
