// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace r1 {

/// The number of single-letter edits (insert, delete, replace, swap neighbours) from a to b.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, or nullopt when none is near enough to be what was meant.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

/// The byte offset of the first invalid UTF-8 sequence, or nullopt when the text is valid.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// The text with control characters and invalid UTF-8 written as \xNN: safe to print anywhere.
std::string printable(std::string_view text);

/// Of ASCII letters, in any locale.
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace r1
