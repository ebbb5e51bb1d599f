// SPDX-License-Identifier: Apache-2.0
#include "recipes/merge.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "recipes/read_source.h"

namespace r1 {

namespace {

constexpr std::size_t kMostBases = 8;

/// The name of an item, or an empty text when it has none that is a text.
std::string item_name(const YamlNode& item) {
    const YamlEntry* name = item.is_map() ? item.find("name") : nullptr;
    return name != nullptr && name->value.is_scalar() ? name->value.text : std::string();
}

void merge_map(const Table* table, YamlNode& base, YamlNode refining);

void merge_items(const Table& table, YamlNode& base, YamlNode refining) {
    std::set<std::string> refined;  // a second item of one name stays, for the check to find
    for (YamlNode& item : refining.items) {
        const std::string name = item_name(item);
        const auto old =
            std::find_if(base.items.begin(), base.items.end(),
                         [&](const YamlNode& candidate) { return item_name(candidate) == name; });
        if (name.empty() || old == base.items.end() || refined.count(name) > 0)
            base.items.push_back(std::move(item));
        else
            merge_map(&table, *old, std::move(item));
        refined.insert(name);
    }
    base.place = refining.place;
}

/// `table` is nullptr for a map that no table knows.
void merge_map(const Table* table, YamlNode& base, YamlNode refining) {
    for (YamlEntry& entry : refining.entries) {
        YamlEntry* old = base.find(entry.key);
        if (old == nullptr) {
            base.entries.push_back(std::move(entry));
            continue;
        }
        const List* list = table != nullptr ? table->find_list(entry.key) : nullptr;
        const Section* section = table != nullptr ? table->find_section(entry.key) : nullptr;
        old->place = entry.place;
        if (old->value.is_map() && entry.value.is_map())
            merge_map(section != nullptr ? section->table : nullptr, old->value,
                      std::move(entry.value));
        else if (list != nullptr && old->value.is_list() && entry.value.is_list())
            merge_items(*list->table, old->value, std::move(entry.value));
        else
            old->value = std::move(entry.value);
    }
    base.place = refining.place;
}

/// Parses one text. nullopt when there is nothing to go on with.
std::optional<YamlNode> parse_source(Source& source, Problems& problems) {
    if (!check_text(source, problems)) return std::nullopt;
    std::optional<YamlNode> tree = parse_yaml(source, problems);
    if (!tree || tree->is_map()) return tree;
    const std::string noun(source.form->noun);
    if (tree->kind == YamlNode::Kind::kNull && !tree->refused)
        problems.add({&source, 0}, "the " + noun + " is empty");
    else if (tree->is_scalar() && tree->text.find(':') != std::string::npos)
        problems.add(tree->place, "a " + noun + " is a map of keys; write a space after the ':'");
    else
        problems.add(tree->place, "a " + noun + " is a map of keys, as in '" +
                                      std::string(source.form->example) + "'");
    return std::nullopt;
}

/// The file that `base:` names, and the entry's removal. nullopt when it names none.
std::optional<std::pair<Place, std::filesystem::path>> take_base(YamlNode& tree,
                                                                 const Source& source,
                                                                 Problems& problems) {
    const YamlEntry* base = tree.find("base");
    if (base == nullptr) return std::nullopt;
    const Place place = base->value.place;
    const std::string text = base->value.is_scalar() ? base->value.text : std::string();
    std::erase_if(tree.entries, [](const YamlEntry& entry) { return entry.key == "base"; });
    // A NUL would cut the path short: "a\0b" in double quotes.
    if (text.empty() || text.find('\0') != std::string::npos) {
        problems.add(place, "base needs the path of a recipe file");
        return std::nullopt;
    }
    return std::pair(place, (source.folder / text).lexically_normal());
}

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
    std::error_code failed;
    return std::filesystem::equivalent(a, b, failed) && !failed;
}

bool check_chain(const std::vector<std::filesystem::path>& chain,
                 const std::pair<Place, std::filesystem::path>& base, Problems& problems) {
    const auto& [place, path] = base;
    const bool seen = std::any_of(chain.begin(), chain.end(), [&path = path](const auto& earlier) {
        return same_file(earlier, path);
    });
    if (seen)
        problems.add(place, "base leads back to " + in_quotes(path.string()) +
                                ": a recipe cannot refine itself");
    else if (chain.size() > kMostBases)
        problems.add(place,
                     "more than " + std::to_string(kMostBases) + " recipes refine each other");
    else
        return true;
    return false;
}

}  // namespace

Source& add_source(const FileForm& form, std::string name, Sources& sources) {
    Source& source = sources.emplace_back();
    source.form = &form;
    source.name = std::move(name);
    source.order = sources.size() - 1;
    return source;
}

std::optional<YamlNode> read_tree(const FileForm& form, const std::filesystem::path& file,
                                  Sources& sources, Problems& problems,
                                  std::optional<Place> named_at) {
    Source& source = add_source(form, file.string(), sources);
    source.folder = file.parent_path();
    const std::string complaint = read_source_file(file, source);
    if (complaint.empty()) return parse_source(source, problems);
    problems.add(named_at.value_or(Place{&source, 0}),
                 named_at ? in_quotes(source.name) + ": " + complaint : complaint);
    return std::nullopt;
}

void merge_tree(const Table& table, YamlNode& base, YamlNode refining) {
    merge_map(&table, base, std::move(refining));
}

std::optional<YamlNode> read_merged(const std::filesystem::path& file, Sources& sources,
                                    Problems& problems) {
    std::vector<std::filesystem::path> chain{file};
    std::vector<YamlNode> trees;
    std::optional<Place> named_at;
    while (true) {
        std::optional<YamlNode> tree =
            read_tree(recipe_form(), chain.back(), sources, problems, named_at);
        if (!tree) return std::nullopt;
        const bool refines = tree->find("base") != nullptr;
        const auto base = take_base(*tree, sources.back(), problems);
        // Without its base, every key of it would be called missing.
        if (refines && !base) return std::nullopt;
        trees.push_back(std::move(*tree));
        if (!base) break;
        named_at = base->first;
        if (!check_chain(chain, *base, problems)) return std::nullopt;
        chain.push_back(base->second);
    }
    YamlNode merged = std::move(trees.back());
    for (auto tree = trees.rbegin() + 1; tree != trees.rend(); ++tree)
        merge_tree(recipe_table(), merged, std::move(*tree));
    return merged;
}

}  // namespace r1
