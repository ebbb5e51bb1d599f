// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

namespace r1::cli {

/// The whole program. Returns the exit code; throws nothing.
int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace r1::cli
