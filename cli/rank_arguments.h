// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace r1::cli {

/// Appends `name value` when there is a value, in the form that reads back equal.
template <class T>
void add_argument(std::vector<std::string>& arguments, const char* name,
                  const std::optional<T>& value) {
    if (!value) return;
    std::ostringstream text;
    text.precision(17);
    text << *value;
    arguments.emplace_back(name);
    arguments.push_back(text.str());
}

}  // namespace r1::cli
