// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/backend.h"

namespace r1 {

/// The instruction sets that this build holds and this machine runs, the widest first. The last is
/// "baseline", which every machine of the architecture runs.
std::vector<std::string> cpu_instruction_sets();

/// The fast CPU version for one of them. Throws Error for any other name.
std::unique_ptr<Backend<float>> make_cpu_backend_for(std::string_view instruction_set, int threads);

}  // namespace r1
