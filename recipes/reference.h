// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "recipes/schema.h"

namespace r1 {

/// A Markdown table for each map of such a file, one row a key.
std::string reference_tables(const FileForm& form);

}  // namespace r1
