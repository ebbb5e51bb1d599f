// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "recipes/load.h"
#include "recipes/scalar.h"
#include "recipes/schema.h"

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
}

}  // namespace

std::string freeze_recipe(const Recipe& recipe) {
    std::string out;
    write_table(recipe_table(), &recipe, kAnyStage, "", out);
    out += "stages:\n";
    for (const StageSection& stage : recipe.stages) {
        std::string text;
        write_table(stage_table(), &stage, only(stage.kind), "    ", text);
        text.replace(0, 4, "  - ");  // the first key stands behind the dash
        out += text;
    }
    return out;
}

}  // namespace r1
