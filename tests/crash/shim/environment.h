// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/shim/shim.h"

namespace r1::shim {

/// The plan of the environment; false when there is none. `harms` says whether this process is the
/// one that the plan wants killed or failed. Ends the process on a word that is not understood.
bool read_environment(Plan& plan, bool& harms);

}  // namespace r1::shim
