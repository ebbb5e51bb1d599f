// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/process.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

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

std::vector<std::int64_t> process_ids() {
    std::vector<std::int64_t> ids;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string name = entry.path().filename().string();
        std::int64_t id = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), id);
        if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size()) ids.push_back(id);
    }
    return ids;
}

std::string process_strings(std::int64_t pid, const char* name) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/" + name, std::ios::binary);
    // Not by iterators: they throw when the process ends between open and read.
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string process_namespace() {
    std::error_code unknown;
    return std::filesystem::read_symlink("/proc/self/ns/pid", unknown).string();
}

std::string boot_id() {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(in, id);
    return id;
}

}  // namespace r1
