// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include "recipes/choices.h"

namespace r1::test {

/// The value that recipes write as `name`.
template <class Enum>
Enum choice(const std::string& name) {
    const auto names = choice_names<Enum>();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) throw std::runtime_error("no choice is called " + name);
    return static_cast<Enum>(found - names.begin());
}

}  // namespace r1::test
