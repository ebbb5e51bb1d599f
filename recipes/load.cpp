// SPDX-License-Identifier: Apache-2.0
#include "recipes/load.h"

#include <filesystem>
#include <optional>
#include <string>

#include "recipes/fill.h"
#include "recipes/merge.h"
#include "recipes/override.h"
#include "recipes/rules.h"

namespace r1 {

namespace {

/// A data file is relative to the recipe that names it. The ranks start elsewhere, so the loaded
/// recipe holds the whole path.
void resolve_data_files(Recipe& recipe, const Origins& origins) {
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
        std::string& data = recipe.stages[i].data;
        const auto origin = origins.values.find("stages." + std::to_string(i) + ".data");
        if (origin == origins.values.end() || data == "demonstrations" ||
            data.starts_with("stage:"))
            continue;
        data = std::filesystem::absolute(origin->second.source->folder / data)
                   .lexically_normal()
                   .string();
    }
}

}  // namespace

Recipe load_recipe(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
    Sources sources;
    Problems problems;
    std::optional<YamlNode> tree = read_merged(file, sources, problems);
    // A text that is no YAML gives no tree worth checking: later complaints would be guesses.
    if (!tree) problems.throw_if_any();
    apply_overrides(overrides, *tree, sources, problems);

    Recipe recipe;
    Origins origins;
    fill_file(recipe_form(), *tree, &recipe, origins, problems);
    check_rules(recipe, origins, problems);
    problems.throw_if_any();
    resolve_data_files(recipe, origins);
    return recipe;
}

}  // namespace r1
