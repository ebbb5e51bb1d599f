// SPDX-License-Identifier: Apache-2.0
// The text of one value, read and written by its row.
#pragma once

#include <string>
#include <string_view>

#include "recipes/row.h"

namespace r1 {

struct ParsedValue {
    Value value;
    std::string wrong;  ///< a message for the user; empty when the value is good
};

/// Reads a scalar and checks its range, choices and form. `plain` tells that it had no quotes.
ParsedValue parse_value(const Row& row, std::string_view text, bool plain);

/// What is wrong with a text, or an empty text.
std::string text_complaint(const Row& row, std::string_view text);

/// The text of a value as the frozen recipe writes it; reading it gives the same value.
std::string value_text(const Row& row, const Value& value);

/// "a whole number", "true or false": what the row's type is called.
std::string type_text(ValueType type);

/// "from 1 to 65536", "more than 0 and at most 1"; empty when anything goes.
std::string range_text(const Row& row);

/// A double in its shortest text that reads back as the same number.
std::string shortest(double value);

}  // namespace r1
