// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "recipes/source.h"

namespace r1 {

/// Reads a file of the source's form into `source.text`. Returns what is wrong with the file, or an
/// empty text: not there, not a regular file, too large. Never blocks on a pipe.
std::string read_source_file(const std::filesystem::path& file, Source& source);

/// Adds what makes the text no text for YAML: bytes that are not UTF-8, control characters, tabs
/// in the indentation. A byte order mark is removed. Returns whether the text is fit to parse.
bool check_text(Source& source, Problems& problems);

}  // namespace r1
