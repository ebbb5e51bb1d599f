// SPDX-License-Identifier: Apache-2.0
#include "recipes/rules_model.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace r1 {

namespace {

/// A key that another one of its section makes no sense without, or the other way round.
struct Companion {
    std::string_view key;
    std::int64_t ModelSection::*value;
    bool needed;  ///< by the leader; otherwise it only needs the leader
};

constexpr std::array kExpertKeys{
    Companion{"num_experts_per_tok", &ModelSection::num_experts_per_tok, true},
    Companion{"moe_intermediate_size", &ModelSection::moe_intermediate_size, true},
    Companion{"n_shared_experts", &ModelSection::n_shared_experts, false},
    Companion{"first_k_dense_replace", &ModelSection::first_k_dense_replace, false},
};

constexpr std::array kLatentKeys{
    Companion{"qk_nope_head_dim", &ModelSection::qk_nope_head_dim, true},
    Companion{"qk_rope_head_dim", &ModelSection::qk_rope_head_dim, true},
    Companion{"v_head_dim", &ModelSection::v_head_dim, true},
    Companion{"q_lora_rank", &ModelSection::q_lora_rank, false},
};

std::string text(std::int64_t number) {
    return std::to_string(number);
}

template <std::size_t Count>
void check_companions(const ModelSection& model, const std::string& path, std::string_view leader,
                      std::int64_t leading, const std::array<Companion, Count>& companions,
                      Relations& relations) {
    const std::string first = path + "." + std::string(leader);
    for (const Companion& companion : companions) {
        const std::string key(companion.key);
        const std::int64_t value = model.*companion.value;
        if (leading > 0 && companion.needed)
            relations.require(
                value > 0, path + "." + key, first,
                std::string(leader) + " " + text(leading) + " needs " + key + ", which is 0");
        if (leading == 0)
            relations.require(
                value == 0, path + "." + key, first,
                key + " " + text(value) + " needs " + std::string(leader) + ", which is 0");
    }
}

void check_experts(const ModelSection& model, const std::string& path, Relations& relations) {
    check_companions(model, path, "n_routed_experts", model.n_routed_experts, kExpertKeys,
                     relations);
    if (model.n_routed_experts == 0) return;
    relations.require(model.num_experts_per_tok <= model.n_routed_experts,
                      path + ".num_experts_per_tok", path + ".n_routed_experts",
                      "num_experts_per_tok " + text(model.num_experts_per_tok) +
                          " is more than n_routed_experts " + text(model.n_routed_experts));
    relations.require(model.first_k_dense_replace <= model.num_hidden_layers,
                      path + ".first_k_dense_replace", path + ".num_hidden_layers",
                      "first_k_dense_replace " + text(model.first_k_dense_replace) +
                          " is more than num_hidden_layers " + text(model.num_hidden_layers));
}

/// Every head has keys and values of its own, which are made from the latent.
void check_latent_attention(ModelSection& model, const std::string& path, Relations& relations) {
    relations.require(
        model.qk_rope_head_dim % 2 == 0, path + ".qk_rope_head_dim",
        "qk_rope_head_dim " + text(model.qk_rope_head_dim) + " is odd; it must be even");
    model.num_key_value_heads = model.num_attention_heads;
    model.head_dim = model.qk_nope_head_dim + model.qk_rope_head_dim;
}

void check_grouped_attention(ModelSection& model, const std::string& path, Relations& relations) {
    const std::string hidden = path + ".hidden_size";
    const std::string heads = path + ".num_attention_heads";
    const std::string kv_heads = path + ".num_key_value_heads";
    const std::string head_dim = path + ".head_dim";
    if (!relations.known(heads)) return;
    if (model.num_key_value_heads == 0) model.num_key_value_heads = model.num_attention_heads;
    relations.require(model.num_attention_heads % model.num_key_value_heads == 0, kv_heads, heads,
                      "num_attention_heads " + text(model.num_attention_heads) +
                          " is not a multiple of num_key_value_heads " +
                          text(model.num_key_value_heads));
    if (model.head_dim == 0 && relations.known(head_dim)) {
        const bool divides = model.hidden_size % model.num_attention_heads == 0;
        if (!relations.require(divides, hidden, heads,
                               "hidden_size " + text(model.hidden_size) +
                                   " is not a multiple of num_attention_heads " +
                                   text(model.num_attention_heads)))
            return;
        model.head_dim = model.hidden_size / model.num_attention_heads;
        relations.require(model.head_dim % 2 == 0 && model.head_dim > 0, hidden, heads,
                          "hidden_size / num_attention_heads is " + text(model.head_dim) +
                              "; the width of a head must be even");
        return;
    }
    relations.require(model.head_dim % 2 == 0, head_dim,
                      "head_dim " + text(model.head_dim) + " is odd; it must be even");
}

}  // namespace

void check_model(ModelSection& model, const std::string& path, Relations& relations) {
    check_experts(model, path, relations);
    check_companions(model, path, "kv_lora_rank", model.kv_lora_rank, kLatentKeys, relations);
    if (model.kv_lora_rank > 0)
        check_latent_attention(model, path, relations);
    else
        check_grouped_attention(model, path, relations);
}

}  // namespace r1
