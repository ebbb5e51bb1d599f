// SPDX-License-Identifier: Apache-2.0
#include "recipes/suggest.h"

#include <vector>

#include "recipes/source.h"

namespace r1 {

namespace {

bool holds(const Table& table, std::string_view key) {
    return table.find_row(key) != nullptr || table.find_section(key) != nullptr ||
           table.find_list(key) != nullptr;
}

void add_keys(const Table& table, StageKinds kinds, std::vector<std::string>& keys) {
    for (const Row& row : table.rows)
        if ((row.kinds & kinds) != 0) keys.emplace_back(row.key);
    for (const Section& section : table.sections)
        if ((section.kinds & kinds) != 0) keys.emplace_back(section.key);
    for (const List& list : table.lists) keys.emplace_back(list.key);
}

/// The section, of the innermost list first, that has the key; or an empty text.
std::string_view section_with(const Table& table, std::string_view key) {
    for (const List& list : table.lists)
        if (const std::string_view found = section_with(*list.table, key); !found.empty())
            return found;
    for (const Section& section : table.sections)
        if (section.table->find_row(key) != nullptr) return section.key;
    return {};
}

/// The list whose items have the key, or an empty text.
std::string_view list_with(const Table& table, std::string_view key) {
    for (const List& list : table.lists) {
        if (holds(*list.table, key)) return list.key;
        if (const std::string_view found = list_with(*list.table, key); !found.empty())
            return found;
    }
    return {};
}

}  // namespace

std::string suggest_key(const FileForm& form, const Table& table, std::string_view key,
                        StageKinds kinds) {
    const std::string noun(form.noun);
    if ((form.has_base && key == "base") || form.table->find_list(key) != nullptr)
        return " here; it stands at the top of a " + noun;
    if (table.whole != nullptr && holds(*table.whole, key))
        return " here; it belongs to the whole run: set it in the " + noun +
               "'s own section of this name";
    std::string_view home = section_with(*form.table, key);
    if (home.empty()) home = list_with(*form.table, key);
    if (!home.empty()) return " here; it belongs to '" + std::string(home) + "'";
    if (holds(*form.table, key)) return " here; it belongs to the " + noun + " itself";
    std::vector<std::string> keys;
    add_keys(table, kinds, keys);
    if (&table == form.table && form.has_base) keys.emplace_back("base");
    return did_you_mean(key, keys);
}

}  // namespace r1
