// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "recipes/load.h"
#include "recipes/scalar.h"
#include "recipes/schema.h"

namespace r1 {

namespace {

std::string fallback_text(const Row& row) {
    if (row.fallback.kind == Fallback::Kind::kRequired) return "required";
    if (row.fallback.kind == Fallback::Kind::kAbsent) return "absent";
    return row.fallback.text.empty() ? "empty" : "`" + std::string(row.fallback.text) + "`";
}

void write_row(const Row& row, bool in_stage, std::string& out) {
    out += "| `" + std::string(row.key) + "` | " + type_text(row.type) + " | " +
           std::string(row.unit) + " | " + fallback_text(row) + " | " + range_text(row) + " | ";
    if (in_stage) out += (row.kinds == kAnyStage ? "all" : kinds_text(row.kinds)) + " | ";
    out += std::string(row.help) + " |\n";
}

void write_table(const std::string& title, std::string_view help, const Table& table, bool in_stage,
                 std::string& out) {
    out += "\n## " + title + "\n\n" + std::string(help) + "\n\n";
    out += "| key | type | unit | default | range or choices | ";
    if (in_stage) out += "stages | ";
    out += "help |\n|---|---|---|---|---|---|";
    out += in_stage ? "---|\n" : "\n";
    for (const Row& row : table.rows) write_row(row, in_stage, out);
}

}  // namespace

std::string recipe_reference() {
    std::string out =
        "# Recipe reference\n\n"
        "Made from the schema in `recipes/`. A recipe is one YAML document without anchors,\n"
        "aliases and tags. `base: other.yaml` refines another recipe: maps merge key by key,\n"
        "stages by name. `--set stages.NAME.steps=100` sets one value.\n";
    write_table("The recipe", "Keys at the top.", recipe_table(), false, out);
    for (const Section& section : recipe_table().sections)
        write_table("`" + std::string(section.key) + "`", section.help, *section.table, false, out);
    write_table("`stages`",
                "A list; the stages run in this order. A stage refuses the keys that its kind does "
                "not use.",
                stage_table(), true, out);
    for (const Section& section : stage_table().sections) {
        const std::string kinds =
            section.kinds == kAnyStage ? "all stages" : kinds_text(section.kinds) + " stages";
        const std::string help = std::string(section.help) + " For " + kinds + ".";
        if (section.table == &model_table())
            out += "\n## `stages[].model`\n\n" + help + "\n";
        else
            write_table("`stages[]." + std::string(section.key) + "`", help, *section.table, false,
                        out);
    }
    return out;
}

}  // namespace r1
