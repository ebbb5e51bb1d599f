// SPDX-License-Identifier: Apache-2.0
#include "slurm/node_list.h"

#include <cstdint>
#include <optional>

#include "common/error.h"
#include "common/text.h"
#include "slurm/slurm_text.h"

namespace r1 {

namespace {

constexpr std::size_t kMostNodes = 65536;

[[noreturn]] void refuse(std::string_view list) {
    throw Error(ExitCode::kScheduler, "'" + printable(list) + "' is not a list of nodes");
}

/// Parts between commas that stand outside of brackets.
std::vector<std::string_view> split_names(std::string_view list) {
    std::vector<std::string_view> names;
    int depth = 0;
    std::size_t start = 0;
    for (std::size_t i = 0; i <= list.size(); ++i) {
        const char c = i < list.size() ? list[i] : ',';
        depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        if (depth < 0 || depth > 1) refuse(list);
        if (c != ',' || (depth > 0 && i < list.size())) continue;
        names.push_back(list.substr(start, i - start));
        start = i + 1;
    }
    if (depth != 0) refuse(list);
    return names;
}

/// The texts of "01-03,7": numbers keep the width of the first.
std::vector<std::string> expand_bracket(std::string_view inside, std::string_view list) {
    std::vector<std::string> texts;
    for (const std::string_view part : split_names(inside)) {
        const std::size_t dash = part.find('-');
        const std::string_view low_text = part.substr(0, dash);
        const auto low = parse_whole_number(low_text);
        const auto high =
            dash == std::string_view::npos ? low : parse_whole_number(part.substr(dash + 1));
        if (!low || !high || *high < *low || *high - *low >= static_cast<std::int64_t>(kMostNodes))
            refuse(list);
        for (std::int64_t number = *low; number <= *high; ++number) {
            std::string text = std::to_string(number);
            if (text.size() < low_text.size()) text.insert(0, low_text.size() - text.size(), '0');
            texts.push_back(text);
        }
        if (texts.size() > kMostNodes) refuse(list);
    }
    return texts;
}

}  // namespace

std::vector<std::string> expand_node_list(std::string_view list) {
    std::vector<std::string> nodes;
    if (list.empty()) return nodes;
    for (std::string_view name : split_names(list)) {
        if (name.empty()) refuse(list);
        std::vector<std::string> heads{""};
        while (!name.empty()) {
            const std::size_t open = name.find('[');
            const std::size_t close = name.find(']');
            std::vector<std::string> tails{std::string(name.substr(0, open))};
            if (open != std::string_view::npos) {
                tails = expand_bracket(name.substr(open + 1, close - open - 1), list);
                for (std::string& tail : tails) tail.insert(0, name.substr(0, open));
            }
            std::vector<std::string> joined;
            if (heads.size() * tails.size() > kMostNodes) refuse(list);
            for (const std::string& head : heads)
                for (const std::string& tail : tails) joined.push_back(head + tail);
            heads = std::move(joined);
            name = open == std::string_view::npos ? std::string_view{} : name.substr(close + 1);
        }
        nodes.insert(nodes.end(), heads.begin(), heads.end());
        if (nodes.size() > kMostNodes) refuse(list);
    }
    return nodes;
}

}  // namespace r1
