// SPDX-License-Identifier: Apache-2.0
#include "recipes/fill.h"

#include <string_view>

#include "recipes/scalar.h"
#include "recipes/suggest.h"

namespace r1 {

namespace {

std::string join(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
}

class Filler {
  public:
    Filler(const FileForm& form, Origins& origins, Problems& problems)
        : form_(form), origins_(origins), problems_(problems) {}

    void run(const YamlNode& tree, void* object) {
        fill_table(*form_.table, object, tree, "", kAnyStage, tree.place,
                   "the " + std::string(form_.noun));
    }

  private:
    /// Fills `object` from a map. Every row is visited, so that every default is set.
    void fill_table(const Table& table, void* object, const YamlNode& map, const std::string& path,
                    StageKinds kinds, const Place& place, const std::string& owner) {
        origins_.sections[path] = place;
        for (const YamlEntry& entry : map.entries) check_key(table, entry, kinds);
        for (const Row& row : table.rows)
            if ((row.kinds & kinds) != 0)
                fill_row(row, object, map.find(row.key), path, place, owner);
        for (const Section& section : table.sections)
            if ((section.kinds & kinds) != 0)
                fill_section(section, object, map.find(section.key), path, kinds, place);
        for (const List& list : table.lists) {
            if (const YamlEntry* entry = map.find(list.key))
                fill_list(list, object, *entry, path);
            else if (!list.optional)
                problems_.add(place,
                              "missing: " + owner + " has no '" + std::string(list.key) + "'");
        }
    }

    void check_key(const Table& table, const YamlEntry& entry, StageKinds kinds) {
        if (table.find_list(entry.key) != nullptr) return;
        const Row* row = table.find_row(entry.key);
        const Section* section = table.find_section(entry.key);
        if (row == nullptr && section == nullptr) {
            problems_.add(entry.place, "unknown key " + in_quotes(entry.key) +
                                           suggest_key(form_, table, entry.key, kinds));
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
        if (node.refused || !set_value(row, object, *entry)) origins_.failed.insert(key);
    }

    /// Returns whether the value was good.
    bool set_value(const Row& row, void* object, const YamlEntry& entry) {
        const YamlNode& node = entry.value;
        std::string wrong;
        if (node.kind == YamlNode::Kind::kNull) {
            wrong = "'" + entry.key + "' has no value; write one or leave the key out";
        } else if (row.type == ValueType::kTexts && node.is_list()) {
            return set_texts(row, object, node);
        } else if (row.type == ValueType::kTextMap && node.is_map()) {
            return set_text_map(row, object, node);
        } else if (node.is_scalar() && row.type != ValueType::kTexts &&
                   row.type != ValueType::kTextMap) {
            const ParsedValue parsed = parse_value(row, node.text, node.plain);
            wrong = parsed.wrong;
            if (wrong.empty()) row.set(object, parsed.value);
        } else {
            const std::string needed =
                row.type == ValueType::kChoice ? range_text(row) : type_text(row.type);
            wrong = std::string(row.key) + " needs " + needed + ", not " + kind_text(node);
        }
        if (!wrong.empty()) problems_.add(node.place, wrong);
        return wrong.empty();
    }

    bool set_texts(const Row& row, void* object, const YamlNode& list) {
        Texts texts;
        bool good = true;
        for (const YamlNode& item : list.items) good &= take_text(row, item, texts.emplace_back());
        if (good) row.set(object, texts);
        return good;
    }

    bool set_text_map(const Row& row, void* object, const YamlNode& map) {
        TextMap texts;
        bool good = true;
        for (const YamlEntry& entry : map.entries) {
            std::string complaint;
            if (row.check_key != nullptr) complaint = row.check_key(entry.key);
            if (!complaint.empty())
                problems_.add(entry.place,
                              std::string(row.key) + ": " + in_quotes(entry.key) + " " + complaint);
            good &= complaint.empty();
            good &= take_text(row, entry.value, texts[entry.key]);
        }
        if (good) row.set(object, texts);
        return good;
    }

    bool take_text(const Row& row, const YamlNode& node, std::string& text) {
        if (node.refused) return false;
        const std::string complaint =
            node.is_scalar() ? text_complaint(row, node.text)
                             : std::string(row.key) + " holds texts, not " + kind_text(node);
        if (!complaint.empty()) problems_.add(node.place, complaint);
        text = node.text;
        return complaint.empty();
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
        problems_.add(
            place,
            "missing: " + (path.empty() ? "the " + std::string(form_.noun) : in_quotes(path)) +
                " has no '" + key + "', which needs " + required);
        for (const Row& row : section.table->rows) origins_.failed.insert(join(key, row.key));
    }

    void fill_list(const List& list, void* object, const YamlEntry& entry,
                   const std::string& path) {
        const std::string key = join(path, list.key);
        origins_.sections[key] = entry.place;
        const YamlNode& node = entry.value;
        if (node.refused) return;
        const std::string name(list.key);
        if (!node.is_list() || (node.items.empty() && !list.optional)) {
            problems_.add(node.place, "'" + name + "' needs a list of " + name +
                                          ", each beginning with '- name: ...', not " +
                                          (node.is_list() ? "an empty list" : kind_text(node)));
            return;
        }
        if (node.items.size() > list.most) {
            problems_.add(node.place, std::to_string(node.items.size()) + " " + name + "; " +
                                          std::string(list.holder) + " has at most " +
                                          std::to_string(list.most));
            return;
        }
        for (std::size_t i = 0; i < node.items.size(); ++i)
            fill_item(list, list.add(object), node.items[i], join(key, std::to_string(i)));
    }

    void fill_item(const List& list, void* object, const YamlNode& node, const std::string& path) {
        const std::string item(list.item);
        if (!node.is_map()) {
            if (!node.refused)
                problems_.add(node.place,
                              "a " + item + " needs a map of keys, not " + kind_text(node));
            for (const Row& row : list.table->rows)
                if (row.fallback.kind == Fallback::Kind::kRequired)
                    origins_.failed.insert(join(path, row.key));
            return;
        }
        const YamlEntry* name = node.find("name");
        const std::string owner = name != nullptr && name->value.is_scalar()
                                      ? item + " " + in_quotes(name->value.text)
                                      : "this " + item;
        fill_table(*list.table, object, node, path, kinds_in(list, node), node.place, owner);
    }

    /// The kind decides which keys apply. When it is not known, all do.
    static StageKinds kinds_in(const List& list, const YamlNode& item) {
        if (list.kind_key.empty()) return kAnyStage;
        const YamlEntry* kind = item.find(list.kind_key);
        if (kind == nullptr || !kind->value.is_scalar()) return kAnyStage;
        const ParsedValue parsed =
            parse_value(*list.table->find_row(list.kind_key), kind->value.text, kind->value.plain);
        if (!parsed.wrong.empty()) return kAnyStage;
        return only(static_cast<StageKind>(std::get<std::int64_t>(parsed.value)));
    }

    const FileForm& form_;
    Origins& origins_;
    Problems& problems_;
};

}  // namespace

void fill_file(const FileForm& form, const YamlNode& tree, void* object, Origins& origins,
               Problems& problems) {
    Filler(form, origins, problems).run(tree, object);
}

}  // namespace r1
