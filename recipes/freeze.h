// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "recipes/schema.h"

namespace r1 {

/// YAML with every value of the object written out, defaults too. Loading it gives an equal object.
std::string freeze_file(const Table& table, const void* object);

}  // namespace r1
