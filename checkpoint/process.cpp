// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/process.h"

#include <fstream>
#include <sstream>

namespace r1 {

std::optional<std::int64_t> process_start_ticks(std::int64_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(in, text, '\0')) return std::nullopt;
    // The second field is the program's name in parentheses, which may itself hold anything.
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream fields(text.substr(name_end + 1));
    std::string state;
    fields >> state;
    if (state.empty() || state == "Z" || state == "X") return std::nullopt;
    std::string skipped;
    constexpr int kFieldsBetween = 18;  // state is field 3, the start time field 22
    for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
    std::int64_t ticks = 0;
    if (!(fields >> ticks)) return std::nullopt;
    return ticks;
}

std::string boot_id() {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(in, id);
    return id;
}

}  // namespace r1
