// SPDX-License-Identifier: Apache-2.0
// The schema of a file: tables with a row a key. Loading, checking, defaults, the frozen file and
// the reference page all walk these tables; a new key is one row and one field.
#pragma once

#include <cstddef>
#include <string>
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

/// A list of maps inside a table. Its items have a required row `name`, by which files merge.
struct List {
    std::string_view key;     ///< "stages"
    std::string_view item;    ///< "stage"
    std::string_view holder;  ///< "a recipe"
    const Table* table = nullptr;
    std::string_view help;
    std::string_view kind_key;  ///< the row whose choice decides which keys apply; empty: all do
    std::size_t most = 0;
    bool optional = false;  ///< it may be left out or empty
    void* (*add)(void* parent) = nullptr;
    /// nullptr past the end.
    const void* (*look)(const void* parent, std::size_t index) = nullptr;
};

/// The keys of one map, in the order in which they are written out.
struct Table {
    std::vector<Row> rows;
    std::vector<Section> sections;
    std::vector<List> lists = {};
    /// The section of the same key in the file itself: it has keys that make no sense here.
    const Table* whole = nullptr;

    const Row* find_row(std::string_view key) const;
    const Section* find_section(std::string_view key) const;
    const List* find_list(std::string_view key) const;
};

/// A kind of file: what its messages call it, and what it holds.
struct FileForm {
    std::string_view noun;     ///< "recipe"
    std::string_view file;     ///< "recipe file"
    std::string_view example;  ///< a line of one
    bool has_base = false;     ///< `base:` refines another file
    const Table* table = nullptr;
};

const FileForm& recipe_form();
/// The whole recipe. Parent objects are Recipe.
const Table& recipe_table();
/// One item of `stages`. Parent objects are StageSection.
const Table& stage_table();
const Table& model_table();
const Table& resources_table();
/// Those keys of `resources` that may differ from stage to stage.
const Table& stage_resources_table();

const Table& cost_table();
/// One item of `prices`, of a recipe's cost or of a cluster. Parent objects are PriceRow.
const Table& price_table();

/// Which keys apply to an item of the list.
StageKinds kinds_of(const List& list, const void* item);

/// The list of one vector of the parent.
template <auto Member>
List list(std::string_view key, std::string_view item, std::string_view holder, std::size_t most,
          const Table& table, std::string_view help, std::string_view kind_key = {},
          bool optional = false) {
    using S = typename detail::MemberOf<Member>::Section;
    return {
        key,
        item,
        holder,
        &table,
        help,
        kind_key,
        most,
        optional,
        [](void* parent) -> void* { return &(static_cast<S*>(parent)->*Member).emplace_back(); },
        [](const void* parent, std::size_t index) -> const void* {
            const auto& items = static_cast<const S*>(parent)->*Member;
            return index < items.size() ? &items[index] : nullptr;
        }};
}

/// The list `prices` of one vector of PriceRow of the parent.
template <auto Member>
List price_list() {
    return list<Member>("prices", "price", "a table of prices", 1024, price_table(),
                        "A list: what bills are made from where no single price is set.", {}, true);
}

/// "grpo and sample": the kinds of a set, for a message.
std::string kinds_text(StageKinds kinds);

/// What a name of a recipe or of a stage must be: it becomes part of a folder's name.
std::string check_name(std::string_view text);
/// Slurm's name of a GPU: it becomes part of an option.
std::string check_gpu_type(std::string_view text);
std::string check_currency(std::string_view text);
std::string check_currency_or_none(std::string_view text);
std::string check_present(std::string_view text);

}  // namespace r1
