// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "recipes/character.h"
#include "recipes/load.h"
#include "recipes/source.h"

namespace r1 {

namespace {

std::string render(const Problem& problem) {
    const SourcePlace& place = problem.place;
    std::string text = escaped(place.file) + ":" + std::to_string(place.line) + ":" +
                       std::to_string(place.column) + ": " + problem.message;
    if (place.source_line.empty()) return text;
    std::string padding;
    int character = 1;
    for (std::size_t at = 0; at < place.source_line.size() && character < place.caret;
         ++character) {
        const Character next = character_at(place.source_line, at);
        padding.append(next.columns, ' ');
        at += next.bytes;
    }
    return text + "\n  " + escaped(place.source_line) + "\n  " + padding + "^";
}

std::string render_all(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + render(problem);
    return text;
}

}  // namespace

RecipeError::RecipeError(std::vector<Problem> problems)
    : Error(ExitCode::kUsage, render_all(problems)), problems_(std::move(problems)) {}

}  // namespace r1
