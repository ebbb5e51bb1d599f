// SPDX-License-Identifier: Apache-2.0
// The schema of a recipe: tables with a row a key. Loading, checking, defaults, the frozen recipe
// and the reference page all walk these tables; a new key is one row and one field.
#pragma once

#include <string_view>
#include <vector>

#include "recipes/recipe.h"
#include "recipes/row.h"

namespace r1 {

struct Table;

/// A map inside a table.
struct Section {
    std::string_view key;
    const Table* table = nullptr;
    StageKinds kinds = kAnyStage;
    std::string_view help;
    /// The section inside its parent, made when it is optional and not there.
    void* (*open)(void* parent) = nullptr;
    /// The same for reading; nullptr when it is optional and not there.
    const void* (*look)(const void* parent) = nullptr;
};

/// The keys of one map, in the order in which they are written out.
struct Table {
    std::vector<Row> rows;
    std::vector<Section> sections;

    const Row* find_row(std::string_view key) const;
    const Section* find_section(std::string_view key) const;
};

/// The whole recipe but for the list `stages`. Parent objects are Recipe.
const Table& recipe_table();
/// One item of `stages`. Parent objects are StageSection.
const Table& stage_table();
const Table& model_table();

/// "grpo and sample": the kinds of a set, for a message.
std::string kinds_text(StageKinds kinds);

/// What a name of a recipe or of a stage must be: it becomes part of a folder's name.
std::string check_name(std::string_view text);

}  // namespace r1
