// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_disk.h"

#include <sys/stat.h>

#include <map>
#include <system_error>

namespace r1::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kStatBlock = 512;  // st_blocks' unit, whatever the file system's is

struct DiskFile {
    std::pair<std::uint64_t, std::uint64_t> id;
    std::uint64_t links = 0;
    std::uint64_t bytes = 0;
};

std::vector<DiskFile> files_in(const fs::path& folder) {
    std::vector<DiskFile> files;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        struct stat status {};
        if (::lstat(it->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        files.push_back({{status.st_dev, status.st_ino},
                         status.st_nlink,
                         static_cast<std::uint64_t>(status.st_blocks) * kStatBlock});
    }
    return files;
}

}  // namespace

std::uint64_t DiskUse::add(const fs::path& folder) {
    std::uint64_t bytes = 0;
    for (const DiskFile& file : files_in(folder))
        if (counted_.insert(file.id).second) bytes += file.bytes;
    return bytes;
}

std::uint64_t freed_by(const std::vector<fs::path>& folders) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> seen;
    std::uint64_t bytes = 0;
    for (const fs::path& folder : folders)
        for (const DiskFile& file : files_in(folder))
            if (++seen[file.id] == file.links) bytes += file.bytes;
    return bytes;
}

}  // namespace r1::cli
