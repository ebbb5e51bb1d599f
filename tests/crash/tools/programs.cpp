// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/tools/programs.h"

#include "tests/crash/tools/numbered.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kPoor =
    shim::kNoExchange | shim::kNoHardLinks | shim::kNoDirect;  // NFS, in the worst case

void prepare_nothing(const fs::path&) {}

void prepare_one(const fs::path& checkpoints) {
    save_number(checkpoints, 1, 1);
}

void prepare_two(const fs::path& checkpoints) {
    save_number(checkpoints, 1, 1);
    save_number(checkpoints, 2, 2);
}

void prepare_four(const fs::path& checkpoints) {
    for (const std::int64_t i : {1, 2, 3, 4}) save_number(checkpoints, i, i);
}

void save_another(const fs::path& checkpoints) {
    save_number(checkpoints, 2, 2);
}

void replace(const fs::path& checkpoints) {
    save_number(checkpoints, 2, 3);
}

void remove_old(const fs::path& checkpoints) {
    retain(checkpoints, 1);
}

}  // namespace

const std::vector<Program>& programs() {
    static const std::vector<Program> table = {
        {"the first save", prepare_nothing, prepare_one, 0, 1, 0},
        {"a save", prepare_one, save_another, 1, 2, 0},
        {"a save on a poor file system", prepare_one, save_another, 1, 2, kPoor},
        {"a replacing save", prepare_two, replace, 2, 3, 0},
        {"a replacing save on a poor file system", prepare_two, replace, 2, 3, kPoor},
        {"retention", prepare_four, remove_old, 4, 4, 0},
    };
    return table;
}

}  // namespace r1::crash
