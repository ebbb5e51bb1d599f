// SPDX-License-Identifier: Apache-2.0
#include "recipes/load.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "recipes/fill.h"
#include "recipes/merge.h"
#include "recipes/override.h"
#include "recipes/rules.h"
#include "recipes/trainable.h"

namespace r1 {

namespace {

/// A file is relative to the recipe that names it. The ranks start elsewhere, so the loaded recipe
/// holds the whole path.
void resolve_path(std::string& file, const std::string& key, const Origins& origins) {
    const auto origin = origins.values.find(key);
    if (file.empty() || origin == origins.values.end()) return;
    file =
        std::filesystem::absolute(origin->second.source->folder / file).lexically_normal().string();
}

void resolve_paths(Recipe& recipe, const Origins& origins) {
    resolve_path(recipe.task.data, "task.data", origins);
    resolve_path(recipe.model.weights, "model.weights", origins);
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
        StageSection& stage = recipe.stages[i];
        const std::string path = "stages." + std::to_string(i);
        if (stage.model) resolve_path(stage.model->weights, path + ".model.weights", origins);
        if (stage.data != "demonstrations" && !stage.data.starts_with("stage:"))
            resolve_path(stage.data, path + ".data", origins);
    }
}

std::vector<Problem> find_untrainable(const Recipe& recipe, const Origins& origins) {
    std::vector<Problem> problems;
    for (const Untrainable& limit : untrainable(recipe))
        problems.push_back({to_source_place(origins.values.at(limit.key)),
                            limit.key + ": " + limit.why + "; `r1ctl plan` can plan it"});
    return problems;
}

}  // namespace

CheckedRecipe check_recipe(const std::filesystem::path& file,
                           const std::vector<std::string>& overrides) {
    Sources sources;
    Problems problems;
    std::optional<YamlNode> tree = read_merged(file, sources, problems);
    // A text that is no YAML gives no tree worth checking: later complaints would be guesses.
    if (!tree) problems.throw_if_any();
    apply_overrides(overrides, *tree, sources, problems);

    CheckedRecipe checked;
    Origins origins;
    fill_file(recipe_form(), *tree, &checked.recipe, origins, problems);
    check_rules(checked.recipe, origins, problems);
    problems.throw_if_any();
    checked.untrainable = find_untrainable(checked.recipe, origins);
    resolve_paths(checked.recipe, origins);
    return checked;
}

Recipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
    return check_recipe(file, overrides).recipe;
}

Recipe load_trainable_recipe(const std::filesystem::path& file,
                             const std::vector<std::string>& overrides) {
    CheckedRecipe checked = check_recipe(file, overrides);
    if (!checked.untrainable.empty()) throw RecipeError(std::move(checked.untrainable));
    return std::move(checked.recipe);
}

}  // namespace r1
