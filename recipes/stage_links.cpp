// SPDX-License-Identifier: Apache-2.0
#include "recipes/stage_links.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/source.h"

namespace r1 {

namespace {

constexpr std::string_view kStagePrefix = "stage:";

std::string path_of(std::size_t index) {
    return "stages." + std::to_string(index);
}

std::optional<std::size_t> find_stage(const Recipe& recipe, std::string_view name) {
    for (std::size_t i = 0; i < recipe.stages.size(); ++i)
        if (recipe.stages[i].name == name) return i;
    return std::nullopt;
}

/// What to say of a name that no earlier stage has.
std::string not_found(const Recipe& recipe, std::size_t index, std::string_view name) {
    std::vector<std::string> earlier;
    for (std::size_t i = 0; i < index; ++i) earlier.push_back(recipe.stages[i].name);
    return "no earlier stage is named " + in_quotes(name) + did_you_mean(name, earlier);
}

/// The earlier stage of that name, or a problem at `key`.
std::optional<std::size_t> earlier_stage(const Recipe& recipe, std::size_t index,
                                         std::string_view name, const std::string& key,
                                         Relations& relations) {
    const auto found = find_stage(recipe, name);
    if (found && *found < index) return found;
    if (!found)
        relations.require(false, key, not_found(recipe, index, name));
    else if (*found == index)
        relations.require(false, key, "a stage cannot build on itself");
    else
        relations.require(
            false, key, path_of(*found) + ".name",
            "stage " + in_quotes(name) + " comes later; a stage builds on earlier ones");
    return std::nullopt;
}

void check_unique_name(const Recipe& recipe, std::size_t index, Relations& relations) {
    const auto first = find_stage(recipe, recipe.stages[index].name);
    if (first && *first < index)
        relations.require(false, path_of(index) + ".name", path_of(*first) + ".name",
                          "two stages are named " + in_quotes(recipe.stages[index].name));
}

void check_from(Recipe& recipe, std::size_t index, Relations& relations) {
    StageSection& stage = recipe.stages[index];
    const std::string key = path_of(index) + ".from";
    if (stage.from.empty()) {
        const bool given = !recipe.model_of(stage).weights.empty();
        relations.require(stage.kind != StageKind::kSample || given, key, path_of(index) + ".kind",
                          "a sample stage needs 'from', the stage whose model it samples, or "
                          "model.weights");
        return;
    }
    const auto from = earlier_stage(recipe, index, stage.from, key, relations);
    if (!from) return;
    const StageSection& source = recipe.stages[*from];
    if (!relations.require(source.kind != StageKind::kSample, key, path_of(*from) + ".kind",
                           "stage " + in_quotes(source.name) + " samples and has no weights"))
        return;
    if (!stage.model) {
        stage.model = source.model;
        return;
    }
    relations.require(*stage.model == recipe.model_of(source),
                      path_of(index) + ".model.hidden_size", key,
                      "this model differs from that of stage " + in_quotes(source.name) +
                          ", whose weights it would start from");
}

void check_data(const Recipe& recipe, std::size_t index, Relations& relations) {
    const std::string& data = recipe.stages[index].data;
    if (!data.starts_with(kStagePrefix)) return;
    const std::string key = path_of(index) + ".data";
    const std::string_view name = std::string_view(data).substr(kStagePrefix.size());
    const auto source = earlier_stage(recipe, index, name, key, relations);
    if (source)
        relations.require(recipe.stages[*source].kind == StageKind::kSample, key,
                          path_of(*source) + ".kind",
                          "stage " + in_quotes(name) + " is not a sample stage and makes no data");
}

}  // namespace

void link_stages(Recipe& recipe, Relations& relations) {
    for (std::size_t i = 0; i < recipe.stages.size(); ++i) {
        check_unique_name(recipe, i, relations);
        check_from(recipe, i, relations);
        check_data(recipe, i, relations);
    }
}

}  // namespace r1
