// SPDX-License-Identifier: Apache-2.0
// What is killed and failed: everything that changes a folder of checkpoints, in one table.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "tests/crash/shim/shim.h"

namespace r1::crash {

/// Something that writes below a folder of checkpoints.
struct Program {
    const char* name;
    std::function<void(const std::filesystem::path& checkpoints)> prepare;  ///< never harmed
    std::function<void(const std::filesystem::path& checkpoints)> run;
    std::int64_t before = 0;   ///< the newest number when it begins; 0: none
    std::int64_t after = 0;    ///< and when it has returned
    std::uint32_t refuse = 0;  ///< what its file system cannot do: shim::Refusal
};

/// Those of one process.
const std::vector<Program>& programs();

}  // namespace r1::crash
