// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

namespace r1::cli {

/// What every verb gets: where its result goes, and where its log goes.
struct Context {
    std::ostream& out;
    std::ostream& err;
    bool terminal = false;  ///< err is a terminal: lines may be rewritten
    int exit_code = 0;
};

}  // namespace r1::cli
