// SPDX-License-Identifier: Apache-2.0
#include "recipes/rules_parallel.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace r1 {

namespace {

std::string text(std::int64_t number) {
    return std::to_string(number);
}

/// The ranks that share a model's matrices exchange their parts within every block: on one node.
void check_node(const ParallelSection& parallel, const ResourcesSection& resources,
                const std::string& path, Relations& relations) {
    const std::int64_t on_node = std::min(resources.ranks_per_node, resources.ranks);
    relations.require(on_node % parallel.tensor == 0, path + ".ranks_per_node", "parallel.tensor",
                      "ranks_per_node " + text(resources.ranks_per_node) +
                          " is not a multiple of tensor " + text(parallel.tensor) +
                          ": the ranks that share a matrix must be on one node");
}

/// `path` is that of the resources.
void check_ranks(const ParallelSection& parallel, const ResourcesSection& resources,
                 const std::string& path, Relations& relations) {
    const std::int64_t ranks = resources.ranks;
    check_node(parallel, resources, path, relations);
    const std::int64_t copy = parallel.tensor * parallel.pipeline;
    const std::string widest =
        relations.is_set("parallel.tensor") ? "parallel.tensor" : "parallel.pipeline";
    if (!relations.require(ranks % copy == 0, path + ".ranks", widest,
                           "ranks " + text(ranks) + " is not a multiple of tensor x pipeline, " +
                               text(parallel.tensor) + " x " + text(parallel.pipeline) + " = " +
                               text(copy)))
        return;
    relations.require(ranks / copy % parallel.expert == 0, "parallel.expert", path + ".ranks",
                      "expert " + text(parallel.expert) +
                          " does not divide the data-parallel ranks, " + text(ranks) + " / (" +
                          text(parallel.tensor) + " x " + text(parallel.pipeline) +
                          ") = " + text(ranks / copy));
}

/// `path` is that of the model.
void check_model_parts(const ParallelSection& parallel, const ModelSection& model,
                       const std::string& path, Relations& relations) {
    relations.require(model.num_attention_heads % parallel.tensor == 0, "parallel.tensor",
                      path + ".num_attention_heads",
                      "tensor " + text(parallel.tensor) + " does not divide num_attention_heads " +
                          text(model.num_attention_heads));
    relations.require(model.num_hidden_layers >= parallel.pipeline, "parallel.pipeline",
                      path + ".num_hidden_layers",
                      "pipeline " + text(parallel.pipeline) + " is more than num_hidden_layers " +
                          text(model.num_hidden_layers));
    if (model.n_routed_experts > 0)
        relations.require(model.n_routed_experts % parallel.expert == 0, "parallel.expert",
                          path + ".n_routed_experts",
                          "expert " + text(parallel.expert) + " does not divide n_routed_experts " +
                              text(model.n_routed_experts));
}

bool has_experts(const Recipe& recipe) {
    return recipe.model.n_routed_experts > 0 ||
           std::any_of(recipe.stages.begin(), recipe.stages.end(), [](const StageSection& stage) {
               return stage.model && stage.model->n_routed_experts > 0;
           });
}

}  // namespace

void check_parallel(const Recipe& recipe, Relations& relations) {
    const ParallelSection& parallel = recipe.parallel;
    for (const char* key : {"parallel.tensor", "parallel.pipeline", "parallel.expert"})
        if (!relations.known(key)) return;
    check_ranks(parallel, recipe.resources, "resources", relations);
    check_model_parts(parallel, recipe.model, "model", relations);
    relations.require(
        parallel.expert == 1 || has_experts(recipe), "parallel.expert", "model.n_routed_experts",
        "expert " + text(parallel.expert) + " has no experts to share: n_routed_experts is 0");
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
        const StageSection& stage = recipe.stages[i];
        const std::string path = "stages." + std::to_string(i);
        if (relations.is_set(path + ".resources.ranks") ||
            relations.is_set(path + ".resources.ranks_per_node"))
            check_ranks(parallel, *stage.resources, path + ".resources", relations);
        if (relations.is_set(path + ".model.hidden_size"))
            check_model_parts(parallel, *stage.model, path + ".model", relations);
    }
}

}  // namespace r1
