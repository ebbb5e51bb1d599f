// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace r1::cli {

/// `r1ctl checkpoint` and its verbs.
void add_checkpoint(CLI::App& app, Context& context);

}  // namespace r1::cli
