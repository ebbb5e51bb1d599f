// SPDX-License-Identifier: Apache-2.0
#include "slurm/shared_folder.h"

#include <sys/vfs.h>

#include <algorithm>
#include <array>

namespace r1 {

namespace {

/// The path itself, or the nearest folder above it that exists.
std::filesystem::path existing_part(std::filesystem::path path) {
    std::error_code ignored;
    while (path.has_relative_path() && !std::filesystem::exists(path, ignored))
        path = path.parent_path();
    return path;
}

/// File systems that only this machine has (linux/magic.h): ext, xfs, tmpfs, btrfs, overlay.
bool is_on_local_disk(const std::filesystem::path& path) {
    constexpr std::array<unsigned long, 5> kLocal{0xEF53, 0x58465342, 0x01021994, 0x9123683E,
                                                  0x794C7630};
    struct statfs status {};
    if (::statfs(existing_part(path).c_str(), &status) != 0) return false;
    const auto type = static_cast<unsigned long>(status.f_type);
    return std::find(kLocal.begin(), kLocal.end(), type) != kLocal.end();
}

bool is_within(const std::filesystem::path& path, const std::filesystem::path& folder) {
    const auto relative = path.lexically_relative(folder.lexically_normal());
    return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

bool nodes_may_see(const std::filesystem::path& path,
                   const std::vector<std::string>& shared_folders) {
    const auto whole = std::filesystem::absolute(path).lexically_normal();
    return std::any_of(shared_folders.begin(), shared_folders.end(),
                       [&](const std::string& folder) { return is_within(whole, folder); }) ||
           !is_on_local_disk(whole);
}

}  // namespace r1
