// SPDX-License-Identifier: Apache-2.0
#include "recipes/override.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "recipes/read_source.h"
#include "recipes/schema.h"
#include "recipes/suggest.h"

namespace r1 {

namespace {

/// A part of the path before the '=': "stages", "rl", "steps".
struct Segment {
    std::string text;
    Place place;
};

std::vector<Segment> split_path(const Source& source, std::size_t end) {
    std::vector<Segment> segments;
    for (std::size_t start = 0; start <= end;) {
        const std::size_t dot = std::min(source.text.find('.', start), end);
        segments.push_back({source.text.substr(start, dot - start), {&source, start}});
        start = dot + 1;
    }
    return segments;
}

/// The value of `key` in a map, made when it is not there. The key now stands in the argument.
YamlNode& open_entry(YamlNode& map, const Segment& key) {
    if (YamlEntry* entry = map.find(key.text)) return entry->value;
    YamlNode value;
    value.kind = YamlNode::Kind::kMap;
    value.place = key.place;
    map.entries.push_back({key.text, key.place, std::move(value)});
    return map.entries.back().value;
}

class Override {
  public:
    Override(const Source& source, YamlNode& tree, Problems& problems)
        : source_(source), tree_(tree), problems_(problems) {}

    void apply() {
        const std::size_t equals = source_.text.find('=');
        if (equals == std::string::npos) {
            problems_.add({&source_, source_.text.size()},
                          "no '='; write key=value, as in model.hidden_size=128");
            return;
        }
        segments_ = split_path(source_, equals);
        const Table* table = &recipe_table();
        YamlNode* map = &tree_;
        std::size_t at = 0;
        if (segments_[0].text == "stages") {
            map = find_stage();
            if (map == nullptr) return;
            table = &stage_table();
            at = 2;
        }
        set_key(*table, *map, at, equals + 1);
    }

  private:
    void set_key(const Table& start, YamlNode& root, std::size_t at, std::size_t value_at) {
        const Table* table = &start;
        YamlNode* map = &root;
        for (; at < segments_.size(); ++at) {
            const Segment& segment = segments_[at];
            const bool last = at + 1 == segments_.size();
            if (const Section* section = table->find_section(segment.text)) {
                if (last) {
                    add_unfinished(segment, *section->table);
                    return;
                }
                table = section->table;
                map = &open_entry(*map, segment);
                if (!map->is_map()) return;  // the check of the tree says so
                continue;
            }
            if (table->find_row(segment.text) == nullptr) {
                add_unknown(*table, segment);
                return;
            }
            if (!last) {
                problems_.add(segments_[at + 1].place,
                              in_quotes(segment.text) + " is a value and holds no keys");
                return;
            }
            put_value(*map, segment, value_at);
            return;
        }
    }

    void add_unknown(const Table& table, const Segment& segment) {
        if (segment.text == "base")
            problems_.add(segment.place, "'base' cannot be set here; write it in the recipe");
        else
            problems_.add(segment.place,
                          segment.text.empty()
                              ? "a key is missing here"
                              : "unknown key " + in_quotes(segment.text) +
                                    suggest_key(recipe_form(), table, segment.text, kAnyStage));
    }

    void add_unfinished(const Segment& segment, const Table& table) {
        const std::string path = source_.text.substr(0, segment.place.offset + segment.text.size());
        problems_.add(segment.place, in_quotes(segment.text) +
                                         " is a map; set a key of it, as in " + escaped(path) +
                                         "." + std::string(table.rows[0].key) + "=...");
    }

    void put_value(YamlNode& map, const Segment& key, std::size_t value_at) {
        std::optional<YamlNode> value = parse_yaml(source_, problems_, value_at);
        if (!value) return;
        if (value->kind == YamlNode::Kind::kNull) value->place = {&source_, value_at};
        YamlNode& old = open_entry(map, key);
        old = std::move(*value);
        map.find(key.text)->place = key.place;
    }

    /// The stage that the second part of the path names. nullptr, and a problem, when there is
    /// none.
    YamlNode* find_stage() {
        YamlEntry* stages = tree_.find("stages");
        if (segments_.size() < 3) {
            problems_.add(segments_[0].place,
                          "name a stage and a key, as in stages.NAME.steps=100");
            return nullptr;
        }
        const Segment& wanted = segments_[1];
        std::vector<std::string> names;
        std::size_t count = 0;
        if (stages != nullptr && stages->value.is_list()) {
            std::vector<YamlNode>& items = stages->value.items;
            count = items.size();
            for (YamlNode& stage : items) {
                const YamlEntry* name = stage.is_map() ? stage.find("name") : nullptr;
                if (name == nullptr || !name->value.is_scalar()) continue;
                if (name->value.text == wanted.text) return &stage;
                names.push_back(name->value.text);
            }
            if (const auto index = as_index(wanted.text); index && *index < count)
                if (items[*index].is_map()) return &items[*index];
        }
        std::string message = "no stage is named " + in_quotes(wanted.text);
        const std::string meant = did_you_mean(wanted.text, names);
        message += meant;
        if (meant.empty() && as_index(wanted.text))
            message +=
                ", and stages are counted from 0 to " + std::to_string(count == 0 ? 0 : count - 1);
        problems_.add(wanted.place, message);
        return nullptr;
    }

    static std::optional<std::size_t> as_index(std::string_view text) {
        std::size_t index = 0;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), index);
        if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        return index;
    }

    const Source& source_;
    YamlNode& tree_;
    Problems& problems_;
    std::vector<Segment> segments_;
};

}  // namespace

void apply_overrides(const std::vector<std::string>& overrides, YamlNode& tree, Sources& sources,
                     Problems& problems) {
    for (std::size_t i = 0; i < overrides.size(); ++i) {
        Source& source = add_source(recipe_form(), "--set[" + std::to_string(i + 1) + "]", sources);
        source.text = overrides[i];
        if (check_text(source, problems)) Override(source, tree, problems).apply();
    }
}

}  // namespace r1
