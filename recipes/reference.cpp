// SPDX-License-Identifier: Apache-2.0
#include "recipes/reference.h"

#include <set>
#include <utility>

#include "recipes/load.h"
#include "recipes/scalar.h"

namespace r1 {

namespace {

std::string fallback_text(const Row& row) {
    if (row.fallback.kind == Fallback::Kind::kRequired) return "required";
    if (row.fallback.kind == Fallback::Kind::kAbsent) return "absent";
    return row.fallback.text.empty() ? "empty" : "`" + std::string(row.fallback.text) + "`";
}

void write_row(const Row& row, bool has_kinds, std::string& out) {
    out += "| `" + std::string(row.key) + "` | " + type_text(row.type) + " | " +
           std::string(row.unit) + " | " + fallback_text(row) + " | " + range_text(row) + " | ";
    if (has_kinds) out += (row.kinds == kAnyStage ? "all" : kinds_text(row.kinds)) + " | ";
    out += std::string(row.help) + " |\n";
}

class Reference {
  public:
    explicit Reference(const FileForm& form) {
        if (!form.table->rows.empty())
            write_table("The " + std::string(form.noun), "Keys at the top.", *form.table, false);
        write_parts(*form.table, "", false);
    }

    std::string take() { return std::move(out_); }

  private:
    void write_table(const std::string& title, const std::string& help, const Table& table,
                     bool has_kinds) {
        out_ += "\n## " + title + "\n\n" + help + "\n";
        if (!shown_.insert(&table).second) return;
        out_ += "\n| key | type | unit | default | range or choices | ";
        if (has_kinds) out_ += "stages | ";
        out_ += "help |\n|---|---|---|---|---|---|";
        out_ += has_kinds ? "---|\n" : "\n";
        for (const Row& row : table.rows) write_row(row, has_kinds, out_);
    }

    /// The sections and lists of a table, whose keys begin with `path`.
    void write_parts(const Table& table, const std::string& path, bool has_kinds) {
        for (const Section& section : table.sections) {
            std::string help(section.help);
            if (has_kinds)
                help += section.kinds == kAnyStage
                            ? " For all stages."
                            : " For " + kinds_text(section.kinds) + " stages.";
            write_table("`" + path + std::string(section.key) + "`", help, *section.table, false);
            write_lists(*section.table, path + std::string(section.key) + ".");
        }
        write_lists(table, path);
    }

    void write_lists(const Table& table, const std::string& path) {
        for (const List& list : table.lists) {
            const std::string key = path + std::string(list.key);
            write_table("`" + key + "`", std::string(list.help), *list.table,
                        !list.kind_key.empty());
            write_parts(*list.table, key + "[].", !list.kind_key.empty());
        }
    }

    std::string out_;
    std::set<const Table*> shown_;
};

}  // namespace

std::string reference_tables(const FileForm& form) {
    return Reference(form).take();
}

std::string recipe_reference() {
    return "# Recipe reference\n\n"
           "Made from the schema in `recipes/`. A recipe is one YAML document without anchors,\n"
           "aliases and tags. `base: other.yaml` refines another recipe: maps merge key by key,\n"
           "stages by name. `--set stages.NAME.steps=100` sets one value.\n" +
           reference_tables(recipe_form());
}

}  // namespace r1
