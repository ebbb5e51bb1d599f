// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/memory_plan.h"

#include "slurm/forecast/forecast.h"

namespace r1::bench {

namespace {

ModelSection section_of(const ModelShape& shape) {
    ModelSection section;
    section.hidden_size = shape.hidden;
    section.intermediate_size = shape.intermediate;
    section.num_hidden_layers = shape.layers;
    section.num_attention_heads = shape.attention.heads;
    section.num_key_value_heads = shape.attention.kv_heads;
    section.head_dim = shape.attention.head_dim;
    section.max_position_embeddings = shape.max_positions;
    section.attention_bias = shape.attention_bias;
    section.tie_word_embeddings = shape.tied;
    section.vocab_size = shape.vocabulary;
    return section;
}

}  // namespace

double planned_memory(const ModelShape& shape, std::int32_t sequences, std::int32_t rows,
                      bool recompute) {
    Recipe recipe;
    recipe.model = section_of(shape);
    recipe.training.micro_batch_tokens = static_cast<std::int64_t>(sequences) * rows;
    recipe.training.precision = Precision::kBf16;
    recipe.training.recompute = recompute;
    recipe.parallel = {1, 1, 1, 1};
    recipe.rollout.batch_size = 1;
    recipe.rollout.page_tokens = 1;
    recipe.evaluation.max_new_tokens = 1;
    StageSection stage;
    stage.kind = StageKind::kSft;
    stage.steps = 1;
    stage.batch_size = sequences;
    stage.expected_tokens = rows;
    const Layout layout{1, 1, 1, true};
    double bytes = 0;
    for (const MemoryPart& part :
         memory_of(recipe, stage, layout, Hardware{}, assumed_efficiencies(layout)).parts)
        if (part.name != "KV cache") bytes += part.bytes;
    return bytes;
}

}  // namespace r1::bench
