// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace r1 {

/// One character of a UTF-8 text as a terminal shows it. An invalid byte counts as a character.
struct Character {
    std::size_t bytes = 1;    ///< its length in the text
    std::string shown;        ///< safe to print
    std::size_t columns = 1;  ///< how wide a terminal shows it
};

/// The character that starts at byte `at`. Controls, and marks that reverse the direction of the
/// line, are shown escaped, so that a caret below still stands under the right character.
Character character_at(std::string_view text, std::size_t at);

}  // namespace r1
