// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/short_named_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/error.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "r1-skeleton-";

bool lock(const FileDescriptor& fd) {
    return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_unlocked(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
        if (it->path().filename().string().starts_with(kPrefix)) found.push_back(it->path());
    for (const fs::path& path : found) {
        const FileDescriptor fd{
            ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
        if (fd && lock(fd)) ::unlink(path.c_str());
    }
}

}  // namespace

ShortNamedFile::ShortNamedFile(const fs::path& folder, std::uint64_t room) {
    const fs::path memory = "/dev/shm";
    remove_unlocked(memory);
    // The ranks of a node look for what was left at the same moment: another may have taken ours.
    constexpr int kTries = 20;
    for (int i = 0; i < kTries; ++i)
        if (create(memory, room)) return;
    if (create(folder, room)) return;
    throw Error(ExitCode::kRunFailed, "cannot save a checkpoint: no room for " +
                                          std::to_string(room) + " bytes in '" + memory.string() +
                                          "' or '" + folder.string() + "'; free some space");
}

ShortNamedFile::~ShortNamedFile() {
    release();
}

FileDescriptor ShortNamedFile::release() {
    if (fd_) ::unlink(path_.c_str());
    return std::move(fd_);
}

bool ShortNamedFile::create(const fs::path& folder, std::uint64_t room) {
    path_ = (folder / (std::string(kPrefix) + "XXXXXX")).string();
    fd_ = FileDescriptor(::mkostemp(path_.data(), O_CLOEXEC));
    struct stat status {};
    // Another process may have removed it before it was locked: then it has no name any more.
    if (fd_ && lock(fd_) && ::fstat(fd_.get(), &status) == 0 && status.st_nlink == 1 &&
        ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(room)) == 0)
        return true;
    release();
    return false;
}

}  // namespace r1
