// SPDX-License-Identifier: Apache-2.0
#include "recipes/fill.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "recipes/scalar.h"

namespace r1 {

namespace {

constexpr std::size_t kMostStages = 64;

std::string join(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
}

class Filler {
  public:
    Filler(Recipe& recipe, Origins& origins, Problems& problems)
        : recipe_(recipe), origins_(origins), problems_(problems) {}

    void run(const YamlNode& tree) {
        whole_file_ = tree.place;
        fill_table(recipe_table(), &recipe_, tree, "", kAnyStage, whole_file_, "the recipe");
        const YamlEntry* stages = tree.find("stages");
        if (stages == nullptr)
            problems_.add(whole_file_, "missing: the recipe has no 'stages'");
        else
            fill_stages(*stages);
    }

  private:
    /// Fills `object` from a map. Every row is visited, so that every default is set.
    void fill_table(const Table& table, void* object, const YamlNode& map, const std::string& path,
                    StageKinds kinds, const Place& place, const std::string& owner) {
        origins_.sections[path] = place;
        for (const YamlEntry& entry : map.entries) check_key(table, entry, path, kinds);
        for (const Row& row : table.rows)
            if ((row.kinds & kinds) != 0)
                fill_row(row, object, map.find(row.key), path, place, owner);
        for (const Section& section : table.sections)
            if ((section.kinds & kinds) != 0)
                fill_section(section, object, map.find(section.key), path, kinds, place);
    }

    void check_key(const Table& table, const YamlEntry& entry, const std::string& path,
                   StageKinds kinds) {
        if (path.empty() && entry.key == "stages") return;
        const Row* row = table.find_row(entry.key);
        const Section* section = table.find_section(entry.key);
        if (row == nullptr && section == nullptr) {
            problems_.add(entry.place, "unknown key " + in_quotes(entry.key) +
                                           suggest_key(table, entry.key, kinds));
            return;
        }
        const StageKinds used = row != nullptr ? row->kinds : section->kinds;
        if ((used & kinds) == 0)
            problems_.add(entry.place, "a stage of kind " + kinds_text(kinds) + " does not use '" +
                                           entry.key + "'; it is for " + kinds_text(used));
    }

    void fill_row(const Row& row, void* object, const YamlEntry* entry, const std::string& path,
                  const Place& place, const std::string& owner) {
        const std::string key = join(path, row.key);
        if (entry == nullptr) {
            if (row.fallback.kind == Fallback::Kind::kText) {
                row.set(object, parse_value(row, row.fallback.text, true).value);
            } else if (row.fallback.kind == Fallback::Kind::kRequired) {
                problems_.add(place,
                              "missing: " + owner + " has no '" + std::string(row.key) + "'");
                origins_.failed.insert(key);
            }
            return;
        }
        const YamlNode& node = entry->value;
        origins_.values[key] = node.place;
        if (node.refused) {
            origins_.failed.insert(key);
            return;
        }
        std::string wrong;
        if (node.is_scalar()) {
            const ParsedValue parsed = parse_value(row, node.text, node.plain);
            wrong = parsed.wrong;
            if (wrong.empty()) row.set(object, parsed.value);
        } else if (node.kind == YamlNode::Kind::kNull) {
            wrong = "'" + entry->key + "' has no value; write one or leave the key out";
        } else {
            const std::string needed =
                row.type == ValueType::kChoice ? range_text(row) : type_text(row.type);
            wrong = std::string(row.key) + " needs " + needed + ", not " + kind_text(node);
        }
        if (wrong.empty()) return;
        problems_.add(node.place, wrong);
        origins_.failed.insert(key);
    }

    void fill_section(const Section& section, void* object, const YamlEntry* entry,
                      const std::string& path, StageKinds kinds, const Place& place) {
        const bool optional = section.look(object) == nullptr;
        if (entry == nullptr && optional) return;
        const std::string key = join(path, section.key);
        const std::string owner = "'" + key + "'";
        if (entry == nullptr) {
            fill_missing_section(section, object, key, path, kinds, place);
        } else if (entry->value.is_map()) {
            fill_table(*section.table, section.open(object), entry->value, key, kinds, entry->place,
                       owner);
        } else {
            if (!entry->value.refused)
                problems_.add(entry->value.place, "'" + entry->key + "' needs a map of keys, not " +
                                                      kind_text(entry->value));
            for (const Row& row : section.table->rows) origins_.failed.insert(join(key, row.key));
        }
    }

    /// A section that is not there has its defaults, unless one of its keys is required.
    void fill_missing_section(const Section& section, void* object, const std::string& key,
                              const std::string& path, StageKinds kinds, const Place& place) {
        static const YamlNode kEmpty;
        std::string required;
        for (const Row& row : section.table->rows)
            if (row.fallback.kind == Fallback::Kind::kRequired)
                required += (required.empty() ? "" : ", ") + std::string(row.key);
        if (required.empty()) {
            fill_table(*section.table, section.open(object), kEmpty, key, kinds, place, "");
            return;
        }
        problems_.add(place, "missing: " + (path.empty() ? "the recipe" : in_quotes(path)) +
                                 " has no '" + key + "', which needs " + required);
        for (const Row& row : section.table->rows) origins_.failed.insert(join(key, row.key));
    }

    void fill_stages(const YamlEntry& stages) {
        origins_.sections["stages"] = stages.place;
        const YamlNode& list = stages.value;
        if (list.refused) return;
        if (!list.is_list() || list.items.empty()) {
            problems_.add(list.place,
                          "'stages' needs a list of stages, each beginning with '- "
                          "name: ...', not " +
                              (list.is_list() ? "an empty list" : kind_text(list)));
            return;
        }
        if (list.items.size() > kMostStages) {
            problems_.add(list.place, std::to_string(list.items.size()) +
                                          " stages; a recipe has at most " +
                                          std::to_string(kMostStages));
            return;
        }
        for (std::size_t i = 0; i < list.items.size(); ++i) fill_stage(list.items[i], i);
    }

    void fill_stage(const YamlNode& node, std::size_t index) {
        StageSection& stage = recipe_.stages.emplace_back();
        const std::string path = "stages." + std::to_string(index);
        if (!node.is_map()) {
            if (!node.refused)
                problems_.add(node.place, "a stage needs a map of keys, not " + kind_text(node));
            for (const std::string_view key : {"name", "kind", "steps"})
                origins_.failed.insert(join(path, key));
            return;
        }
        const YamlEntry* name = node.find("name");
        const std::string owner = name != nullptr && name->value.is_scalar()
                                      ? "stage " + in_quotes(name->value.text)
                                      : "this stage";
        fill_table(stage_table(), &stage, node, path, kinds_of(node), node.place, owner);
    }

    /// The kind decides which keys apply. When it is not known, all do.
    static StageKinds kinds_of(const YamlNode& stage) {
        const YamlEntry* kind = stage.find("kind");
        if (kind == nullptr || !kind->value.is_scalar()) return kAnyStage;
        const ParsedValue parsed =
            parse_value(*stage_table().find_row("kind"), kind->value.text, kind->value.plain);
        if (!parsed.wrong.empty()) return kAnyStage;
        return only(static_cast<StageKind>(std::get<std::int64_t>(parsed.value)));
    }

    Recipe& recipe_;
    Origins& origins_;
    Problems& problems_;
    Place whole_file_;
};

void add_keys(const Table& table, StageKinds kinds, std::vector<std::string>& keys) {
    for (const Row& row : table.rows)
        if ((row.kinds & kinds) != 0) keys.emplace_back(row.key);
    for (const Section& section : table.sections)
        if ((section.kinds & kinds) != 0) keys.emplace_back(section.key);
}

/// The section, or list, in which a key is known, or an empty text.
std::string home_of(std::string_view key) {
    for (const Table* table : {&stage_table(), &recipe_table()})
        for (const Section& section : table->sections)
            if (section.table->find_row(key) != nullptr) return std::string(section.key);
    if (stage_table().find_row(key) != nullptr || stage_table().find_section(key) != nullptr)
        return "stages";
    if (recipe_table().find_row(key) != nullptr || recipe_table().find_section(key) != nullptr)
        return "the recipe itself";
    return {};
}

}  // namespace

void fill_recipe(const YamlNode& tree, Recipe& recipe, Origins& origins, Problems& problems) {
    Filler(recipe, origins, problems).run(tree);
}

std::string suggest_key(const Table& table, std::string_view key, StageKinds kinds) {
    if (key == "base" || key == "stages") return " here; it stands at the top of a recipe";
    const std::string home = home_of(key);
    if (!home.empty())
        return " here; it belongs to " +
               (home.find(' ') == std::string::npos ? "'" + home + "'" : home);
    std::vector<std::string> keys;
    add_keys(table, kinds, keys);
    if (&table == &recipe_table()) keys.insert(keys.end(), {"stages", "base"});
    return did_you_mean(key, keys);
}

}  // namespace r1
