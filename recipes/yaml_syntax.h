// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "recipes/source.h"

namespace r1 {

struct SyntaxProblem {
    Place place;
    std::string message;
};

/// Turns an error of yaml-cpp into one that helps: its words are those of a grammar, and its place
/// is where the parser gave up, often a line after the mistake.
SyntaxProblem explain_syntax(const Place& place, std::string_view library_message);

/// Whether the quoted text that begins at `place` ends on its line. yaml-cpp lets one that is never
/// closed run on to the end of the file.
bool closes_on_its_line(const Place& place);

}  // namespace r1
