// SPDX-License-Identifier: Apache-2.0
#include "recipes/source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/text.h"
#include "recipes/character.h"

namespace r1 {

namespace {

/// What a report shows at most: a hostile file must not fill the screen.
constexpr std::size_t kMostProblems = 100;
/// Characters of a source line that are shown on each side of the caret.
constexpr std::size_t kWindow = 60;
/// Bytes of a value that are shown inside a message.
constexpr std::size_t kMostQuoted = 60;

std::size_t count_characters(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at += character_at(text, at).bytes) ++count;
    return count;
}

/// The byte offset `count` characters before the end of `text`, at most.
std::size_t step_back(std::string_view text, std::size_t count) {
    std::size_t at = text.size();
    while (at > 0 && count > 0) {
        --at;
        while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u) --at;
        --count;
    }
    return at;
}

}  // namespace

SourcePlace to_source_place(const Place& place) {
    const std::string_view text = place.source->text;
    const std::size_t offset = std::min(place.offset, text.size());
    const std::string_view before = text.substr(0, offset);
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
    std::string_view line = text.substr(start, text.find('\n', offset) - start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view left = line.substr(0, offset - start);

    SourcePlace shown;
    shown.file = place.source->name;
    shown.line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
    shown.column = static_cast<int>(count_characters(left)) + 1;
    const std::size_t first = left.size() > kWindow ? step_back(left, kWindow) : 0;
    const std::string head = first > 0 ? "..." : "";
    std::size_t last = left.size();
    for (std::size_t i = 0; i < kWindow && last < line.size(); ++i)
        last += character_at(line, last).bytes;
    shown.caret = static_cast<int>(head.size() + count_characters(left.substr(first))) + 1;
    shown.source_line = head + std::string(line.substr(first, last - first));
    if (last < line.size()) shown.source_line += "...";
    return shown;
}

std::string to_string(const Place& place) {
    const SourcePlace shown = to_source_place(place);
    return escaped(shown.file) + ":" + std::to_string(shown.line) + ":" +
           std::to_string(shown.column);
}

std::string escaped(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Character character = character_at(text, at);
        out += character.shown;
        at += character.bytes;
    }
    return out;
}

std::string in_quotes(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && end < kMostQuoted) end += character_at(text, end).bytes;
    return "'" + escaped(text.substr(0, end)) + (end < text.size() ? "..." : "") + "'";
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
    std::string small(word);
    for (char& c : small)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const auto near = std::find(names.begin(), names.end(), small) != names.end()
                          ? std::optional(small)
                          : nearest(word, names);
    return near ? "; did you mean '" + escaped(*near) + "'?" : "";
}

void Problems::add(const Place& place, std::string message) {
    // Two stages of one model find the same thing wrong with it.
    for (const Found& known : found_)
        if (known.message == message && known.place.source == place.source &&
            known.place.offset == place.offset)
            return;
    found_.push_back({place, std::move(message)});
}

void Problems::throw_if_any() const {
    if (found_.empty()) return;
    std::vector<Found> sorted = found_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Found& a, const Found& b) {
        return std::pair(a.place.source->order, a.place.offset) <
               std::pair(b.place.source->order, b.place.offset);
    });
    const std::size_t more = sorted.size() > kMostProblems ? sorted.size() - kMostProblems : 0;
    if (more > 0) sorted.resize(kMostProblems);
    std::vector<Problem> problems;
    for (const Found& found : sorted)
        problems.push_back({to_source_place(found.place), found.message});
    if (more > 0)
        problems.back().message += " (and " + std::to_string(more) + " more problems after this)";
    throw RecipeError(std::move(problems));
}

}  // namespace r1
