// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "recipes/schema.h"

namespace r1 {

/// "; did you mean 'x'?", "; it belongs under 'x'" or an empty text, for a key that `table` of a
/// file of this form lacks.
std::string suggest_key(const FileForm& form, const Table& table, std::string_view key,
                        StageKinds kinds);

}  // namespace r1
