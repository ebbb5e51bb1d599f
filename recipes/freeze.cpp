// SPDX-License-Identifier: Apache-2.0
#include "recipes/freeze.h"

#include "recipes/load.h"
#include "recipes/scalar.h"

namespace r1 {

namespace {

void write_table(const Table& table, const void* object, StageKinds kinds,
                 const std::string& indent, std::string& out) {
    for (const Row& row : table.rows) {
        if ((row.kinds & kinds) == 0) continue;
        const Value value = row.get(object);
        if (std::holds_alternative<std::monostate>(value)) continue;
        out += indent + std::string(row.key) + ": " + value_text(row, value) + "\n";
    }
    for (const Section& section : table.sections) {
        const void* inner = section.look(object);
        if ((section.kinds & kinds) == 0 || inner == nullptr) continue;
        out += indent + std::string(section.key) + ":\n";
        write_table(*section.table, inner, kinds, indent + "  ", out);
    }
    for (const List& list : table.lists) {
        if (list.optional && list.look(object, 0) == nullptr) continue;
        out += indent + std::string(list.key) + ":\n";
        for (std::size_t i = 0; const void* item = list.look(object, i); ++i) {
            std::string text;
            write_table(*list.table, item, kinds_of(list, item), indent + "    ", text);
            // The first key stands behind the dash.
            out += text.replace(0, indent.size() + 4, indent + "  - ");
        }
    }
}

}  // namespace

std::string freeze_file(const Table& table, const void* object) {
    std::string out;
    write_table(table, object, kAnyStage, "", out);
    return out;
}

std::string freeze_recipe(const Recipe& recipe) {
    return freeze_file(recipe_table(), &recipe);
}

}  // namespace r1
