// SPDX-License-Identifier: Apache-2.0
// How much arithmetic and memory traffic a model's work takes at least. A multiply-add counts as
// two operations. What an implementation does besides (recomputing, norms, gates, a second reading)
// counts nothing, so that a share of the hardware's limit never flatters. Shapes as in ModelShape.
#pragma once

#include "mpi_runtime/model/model_shape.h"

namespace r1::bench {

/// Entries of the matrices that every token is multiplied with, the output projection among them
/// and no table that is looked up: the P of 6·P.
inline double matrix_entries(const ModelShape& shape) {
    const double hidden = shape.hidden;
    const double layer = hidden * shape.attention.qkv_width() +
                         hidden * shape.attention.query_width() + 3 * hidden * shape.intermediate;
    return shape.layers * layer + hidden * shape.vocabulary;
}

/// Causal attention of one layer over one sequence: two products of s²/2 pairs (half of them are
/// masked) by heads × head_dim.
inline double attention_forward_flops(const HeadShape& shape, double rows) {
    return 2 * rows * rows * shape.query_width();
}
/// Five products instead of two: the scores again, and the gradients of q, k, v and of the scores
/// (Dao et al. 2022 count so).
inline double attention_backward_flops(const HeadShape& shape, double rows) {
    return 2.5 * attention_forward_flops(shape, rows);
}

/// Forward and backward of `sequences` sequences of `rows` tokens: 6·P a token, and attention's two
/// products forward and four backward, 6·layers·rows·heads·head_dim a token with half of it masked
/// (Chowdhery et al. 2022, appendix B, with causal attention halved).
inline double training_flops(const ModelShape& shape, double sequences, double rows) {
    return sequences * (6 * matrix_entries(shape) * rows +
                        3 * shape.layers * attention_forward_flops(shape.attention, rows));
}

/// One step of decoding for `batch` sequences that have `context` tokens each.
inline double decode_flops(const ModelShape& shape, double batch, double context) {
    return batch *
           (2 * matrix_entries(shape) + 4 * shape.layers * context * shape.attention.query_width());
}

/// Keys and values of one token over all layers.
inline double cache_bytes_of_token(const ModelShape& shape, double value_bytes) {
    return 2.0 * shape.layers * shape.attention.kv_width() * value_bytes;
}
/// What one step of decoding reads: every matrix once, and the keys and values of each sequence.
inline double decode_bytes(const ModelShape& shape, double batch, double context,
                           double value_bytes) {
    return matrix_entries(shape) * value_bytes +
           batch * context * cache_bytes_of_token(shape, value_bytes);
}

/// What the device at hand was measured to do at most.
struct Limits {
    double bandwidth = 0;    ///< bytes a second, read and written
    double matrix_rate = 0;  ///< bf16 operations a second
};

/// The roofline (Williams et al. 2009): no less than this many seconds.
inline double least_seconds(const Limits& limits, double flops, double bytes) {
    const double by_flops = flops / limits.matrix_rate;
    const double by_bytes = bytes / limits.bandwidth;
    return by_flops > by_bytes ? by_flops : by_bytes;
}

}  // namespace r1::bench
