// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/model_count.h"

#include <algorithm>

namespace r1 {

namespace {

double real(std::int64_t value) {
    return static_cast<double>(value);
}

bool is_latent(const ModelSection& model) {
    return model.kv_lora_rank > 0;
}

double grouped_attention(const ModelSection& model) {
    const double queries = real(model.num_attention_heads * model.head_dim);
    const double keys = real(model.num_key_value_heads * model.head_dim);
    const double biases = model.attention_bias ? queries + 2 * keys : 0;
    return real(model.hidden_size) * (2 * queries + 2 * keys) + biases;
}

double query_width(const ModelSection& model) {
    return real(model.num_attention_heads) *
           real(is_latent(model) ? model.qk_nope_head_dim + model.qk_rope_head_dim
                                 : model.head_dim);
}

double value_width(const ModelSection& model) {
    return real(model.num_attention_heads) *
           real(is_latent(model) ? model.v_head_dim : model.head_dim);
}

/// DeepSeek-V2 (2024), section 2.1: queries and keys with values go through narrow latents, each
/// with a norm; the rotated part of the key is shared by the heads.
double latent_attention(const ModelSection& model) {
    const double hidden = real(model.hidden_size);
    const double heads = real(model.num_attention_heads);
    const double latent = real(model.kv_lora_rank);
    const double query = model.q_lora_rank > 0
                             ? real(model.q_lora_rank) * (hidden + 1 + query_width(model))
                             : hidden * query_width(model);
    const double keys = hidden * (latent + real(model.qk_rope_head_dim)) + latent +
                        latent * heads * real(model.qk_nope_head_dim + model.v_head_dim);
    return query + keys + value_width(model) * hidden;
}

double attention(const ModelSection& model) {
    return is_latent(model) ? latent_attention(model) : grouped_attention(model);
}

std::int64_t moe_layers(const ModelSection& model) {
    if (model.n_routed_experts == 0) return 0;
    return std::max<std::int64_t>(model.num_hidden_layers - model.first_k_dense_replace, 0);
}

/// SwiGLU: gate, up and down.
double expert(const ModelSection& model) {
    return 3 * real(model.hidden_size) * real(model.moe_intermediate_size);
}

/// Values that the widest feed-forward of one token has in its middle.
double wide(const ModelSection& model) {
    if (moe_layers(model) == 0) return real(model.intermediate_size);
    return std::max(
        real(model.first_k_dense_replace > 0 ? model.intermediate_size : 0),
        real((model.num_experts_per_tok + model.n_shared_experts) * model.moe_intermediate_size));
}

double projected(const ModelSection& model) {
    if (!is_latent(model))
        return query_width(model) + 2 * real(model.num_key_value_heads * model.head_dim);
    return real(model.q_lora_rank + model.kv_lora_rank + model.qk_rope_head_dim) +
           2 * query_width(model) + value_width(model);
}

}  // namespace

std::int64_t vocabulary_of(const ModelSection& model) {
    return model.vocab_size > 0 ? model.vocab_size : kTaskVocabulary;
}

ModelCount count_parameters(const ModelSection& model, std::int64_t vocabulary) {
    const double hidden = real(model.hidden_size);
    const double layers = real(model.num_hidden_layers);
    const double sparse = real(moe_layers(model));
    const double words = real(vocabulary) * hidden;
    // Of a sparse block: the router with its balancing bias, and the experts that see every token.
    const double router = real(model.n_routed_experts) * (hidden + 1);
    const double shared = real(model.n_shared_experts) * expert(model);
    const double dense = 3 * hidden * real(model.intermediate_size);
    const double common = layers * (attention(model) + 2 * hidden) + (layers - sparse) * dense +
                          sparse * (router + shared) + hidden +
                          (model.tie_word_embeddings ? words : 2 * words);
    ModelCount count;
    count.embedding = model.tie_word_embeddings ? 0 : words;
    count.experts = sparse * real(model.n_routed_experts) * expert(model);
    count.total = common + count.experts;
    count.active =
        common - count.embedding + sparse * real(model.num_experts_per_tok) * expert(model);
    return count;
}

TokenCost token_cost(const ModelSection& model, std::int64_t vocabulary) {
    const double layers = real(model.num_hidden_layers);
    const double heads = real(model.num_attention_heads);
    const double hidden = real(model.hidden_size);
    const ModelCount count = count_parameters(model, vocabulary);
    TokenCost cost;
    cost.flops = 2 * count.active;
    // A score and a weighted value are a multiplication and an addition each.
    cost.flops_per_context = 2 * layers * (query_width(model) + value_width(model));
    cost.decode_flops_per_context = cost.flops_per_context;
    cost.cache_values = layers * 2 * real(model.num_key_value_heads * model.head_dim);
    if (is_latent(model)) {
        // The cache holds latents, and the queries are taken to them (DeepSeek-V2, section 2.1.2).
        const double latent = real(model.kv_lora_rank);
        const double rotated = real(model.qk_rope_head_dim);
        cost.decode_flops_per_context = 2 * layers * heads * (2 * latent + rotated);
        cost.cache_values = layers * (latent + rotated);
    }
    const double branch = std::max(wide(model), query_width(model));
    cost.kept_values = 4 * hidden + projected(model) + value_width(model) + 3 * wide(model) + heads;
    cost.scratch_values = 5 * hidden + std::max(2 * wide(model), projected(model)) + branch;
    cost.handled_values =
        layers * (6 * hidden + 2 * projected(model) + 3 * wide(model)) + 3 * real(vocabulary);
    return cost;
}

}  // namespace r1
