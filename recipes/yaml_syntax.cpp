// SPDX-License-Identifier: Apache-2.0
#include "recipes/yaml_syntax.h"

#include <algorithm>
#include <array>

namespace r1 {

namespace {

struct Rewording {
    std::string_view library;
    std::string_view ours;
};
constexpr std::array<Rewording, 10> kRewordings{{
    {"end of map not found", "this line's indentation fits no map above it"},
    {"end of sequence not found", "this line's indentation fits no list above it"},
    {"end of map flow not found", "a '{' is not closed"},
    {"end of sequence flow not found", "a '[' is not closed"},
    {"illegal flow end", "a '}' or ']' that closes nothing"},
    {"illegal block entry", "a list item ('- ') cannot start here"},
    {"illegal EOF in scalar", "a quoted text is not closed"},
    {"illegal document indicator in scalar", "a quoted text is not closed"},
    {"unknown token", "a character that cannot start a value; quote the text"},
    {"illegal map value", "a ':' cannot stand here"},
}};

struct Line {
    std::size_t start = 0;
    std::string_view text;  ///< without its comment and trailing blanks
    std::size_t indent() const { return std::min(text.find_first_not_of(' '), text.size()); }
    bool has_pair() const {
        return text.ends_with(':') || text.find(": ") != std::string_view::npos;
    }
};

Line line_at(std::string_view text, std::size_t offset) {
    Line line;
    line.start = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
    line.text = text.substr(line.start, text.find('\n', line.start) - line.start);
    const std::size_t comment = line.text.starts_with('#') ? 0 : line.text.find(" #");
    line.text = line.text.substr(0, comment);
    line.text = line.text.substr(0, line.text.find_last_not_of(" \r") + 1);
    return line;
}

/// The nearest line above that holds more than a comment; an empty one when there is none.
Line line_above(std::string_view text, const Line& line) {
    Line above = line;
    while (above.start > 0) {
        above = line_at(text, above.start - 1);
        if (!above.text.empty()) return above;
    }
    return {};
}

/// A ':' that starts no value: mostly the line before lacks its own, or the indentation is wrong.
SyntaxProblem explain_map_value(const Place& place) {
    const std::string_view text = place.source->text;
    const Line line = line_at(text, place.offset);
    const std::string_view before = line.text.substr(0, place.offset - line.start);
    if (before.find(": ") != std::string_view::npos)
        return {place, "not valid YAML: a second ':' on the line; quote a text that holds one"};
    const Line above = line_above(text, line);
    const Place start{place.source, above.start + above.indent()};
    if (!above.text.empty() && !above.has_pair()) {
        if (above.text.find(':') != std::string_view::npos)
            return {start, "not valid YAML: write a space after the ':'"};
        return {start, "not valid YAML: this line is no 'key: value'"};
    }
    if (line.indent() > above.indent() && !above.text.empty())
        return {{place.source, line.start + line.indent()},
                "not valid YAML: indented deeper than the key above, which has its value already"};
    return {place, "not valid YAML: a ':' cannot stand here; check the indentation and the quotes"};
}

}  // namespace

SyntaxProblem explain_syntax(const Place& place, std::string_view library_message) {
    if (library_message == "illegal map value") return explain_map_value(place);
    if (library_message == "the referenced anchor is not defined")
        return {place, "an alias (*name); write the value out, or use 'base:'"};
    const std::string_view rest = std::string_view(place.source->text).substr(place.offset);
    if (rest.size() > 1 && rest[0] == '-' && rest[1] != ' ' && rest[1] != '-')
        return {place, "not valid YAML: write a space after the '-'"};
    for (const Rewording& row : kRewordings)
        if (library_message.starts_with(row.library))
            return {place, "not valid YAML: " + std::string(row.ours)};
    return {place, "not valid YAML: " + std::string(library_message)};
}

bool closes_on_its_line(const Place& place) {
    const std::string_view text = place.source->text;
    const char quote = text[place.offset];
    for (std::size_t at = place.offset + 1; at < text.size() && text[at] != '\n'; ++at) {
        if (quote == '"' && text[at] == '\\')
            ++at;
        else if (text[at] == quote && quote == '\'' && text.substr(at + 1, 1) == "'")
            ++at;
        else if (text[at] == quote)
            return true;
    }
    return false;
}

}  // namespace r1
