// SPDX-License-Identifier: Apache-2.0
// A file's YAML as a tree in which every key and value knows its place. It is built from the
// events of yaml-cpp, whose own tree keeps duplicate keys and follows aliases without a limit.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/source.h"

namespace r1 {

struct YamlEntry;

struct YamlNode {
    enum class Kind { kNull, kScalar, kList, kMap };
    Kind kind = Kind::kNull;
    Place place;
    std::string text;                ///< of a scalar
    bool plain = false;              ///< a scalar without quotes
    bool refused = false;            ///< already complained of; checking it again helps nobody
    std::vector<YamlNode> items;     ///< of a list
    std::vector<YamlEntry> entries;  ///< of a map; the keys differ

    bool is_map() const { return kind == Kind::kMap; }
    bool is_list() const { return kind == Kind::kList; }
    bool is_scalar() const { return kind == Kind::kScalar; }
    /// The entry of a map, or nullptr.
    YamlEntry* find(std::string_view key);
    const YamlEntry* find(std::string_view key) const;
};

struct YamlEntry {
    std::string key;
    Place place;  ///< of the key
    YamlNode value;
};

/// "a map", "a list", "a text" or "nothing": what the user wrote, for a message.
std::string kind_text(const YamlNode& node);

/// Parses the source from byte `start` on. Adds what is wrong: YAML's own errors, anchors, aliases,
/// tags, duplicate keys, a second document, too deep or too large a tree. nullopt when the text
/// could not be read to its end.
std::optional<YamlNode> parse_yaml(const Source& source, Problems& problems, std::size_t start = 0);

}  // namespace r1
