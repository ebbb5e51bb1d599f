// SPDX-License-Identifier: Apache-2.0
// What a recipe may plan and the trainer cannot run yet. Each is refused by name before anything
// is started; `r1ctl plan` takes them all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recipes/recipe.h"

namespace r1 {

/// Words of the tasks' own tokenizer: the bytes, the end of a text and four tags.
inline constexpr std::int64_t kTaskVocabulary = 261;

struct Untrainable {
    std::string key;  ///< its path, "stages.0.model.kv_lora_rank"
    std::string why;  ///< "latent attention cannot be trained yet"
};

/// Every key of a checked recipe that asks for what the trainer does not have, in the order of the
/// sections.
std::vector<Untrainable> untrainable(const Recipe& recipe);

}  // namespace r1
