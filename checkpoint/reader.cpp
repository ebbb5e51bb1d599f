// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <system_error>

#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/text.h"

namespace r1 {

namespace fs = std::filesystem;

void throw_bad_checkpoint(const fs::path& what, const std::string& problem) {
    throw Error(ExitCode::kCheckpoint,
                "bad checkpoint '" + what.string() + "': " + problem +
                    "; `r1ctl checkpoint list` shows those that verify, and `r1ctl resume` uses "
                    "the newest of them");
}

std::string try_open_checkpoint_file(const fs::path& path, int flags, OpenedFile& file) {
    file.fd = FileDescriptor();  // closed first: closing may change errno
    file.fd = FileDescriptor(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags));
    struct stat status {};
    if (!file.fd || ::fstat(file.fd.get(), &status) != 0)
        return std::generic_category().message(errno);
    if (!S_ISREG(status.st_mode)) return "it is not a regular file";
    file.bytes = static_cast<std::uint64_t>(status.st_size);
    return {};
}

OpenedFile open_checkpoint_file(const fs::path& path) {
    OpenedFile file;
    const std::string problem = try_open_checkpoint_file(path, 0, file);
    if (!problem.empty()) throw_bad_checkpoint(path, problem);
    return file;
}

void read_exactly(int fd, void* target, std::uint64_t bytes, std::uint64_t offset,
                  const fs::path& path_for_errors) {
    char* to = static_cast<char*>(target);
    while (bytes > 0) {
        const ssize_t got = ::pread(fd, to, bytes, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            throw_bad_checkpoint(path_for_errors,
                                 "cannot read it: " + std::generic_category().message(errno));
        if (got == 0) throw_bad_checkpoint(path_for_errors, "it ends too early");
        to += got;
        bytes -= static_cast<std::uint64_t>(got);
        offset += static_cast<std::uint64_t>(got);
    }
}

const TensorEntry* Manifest::find(const std::string& name) const {
    for (const TensorEntry& entry : tensors)
        if (entry.name == name) return &entry;
    return nullptr;
}

const TensorEntry& Manifest::tensor(const std::string& name) const {
    if (const TensorEntry* entry = find(name)) return *entry;
    throw Error(ExitCode::kCheckpoint, "checkpoint '" + checkpoint_name(step) + "' of run '" +
                                           printable(run_id) + "' has no tensor '" + name +
                                           "'; `r1ctl checkpoint show` lists its tensors");
}

std::string checkpoint_name(std::int64_t step) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%08lld", static_cast<long long>(step));
    return std::string("step-") + digits;
}

Manifest read_manifest(const fs::path& checkpoint) {
    const fs::path path = checkpoint / kManifestName;
    const OpenedFile file = open_checkpoint_file(path);
    if (file.bytes > kLargestManifest) throw_bad_checkpoint(path, "it is larger than 256 MiB");
    std::string text(file.bytes, '\0');
    read_exactly(file.fd.get(), text.data(), file.bytes, 0, path);
    Manifest manifest = decode_manifest(text, path.string());
    for (const FileEntry& entry : manifest.files) {
        const std::uint64_t bytes = open_checkpoint_file(checkpoint / entry.name).bytes;
        if (bytes != entry.bytes)
            throw_bad_checkpoint(checkpoint / entry.name, "it has " + std::to_string(bytes) +
                                                              " bytes and the manifest says " +
                                                              std::to_string(entry.bytes));
    }
    return manifest;
}

std::vector<std::int64_t> list_checkpoints(const fs::path& checkpoints) {
    constexpr std::string_view kPrefix = "step-";
    std::vector<std::int64_t> steps;
    std::error_code error;
    for (fs::directory_iterator it(checkpoints, error), end; !error && it != end;
         it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (!name.starts_with(kPrefix)) continue;
        std::int64_t step = -1;
        std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), step);
        std::error_code ignored;
        if (step >= 0 && name == checkpoint_name(step) && it->is_directory(ignored))
            steps.push_back(step);
    }
    std::sort(steps.begin(), steps.end());
    return steps;
}

}  // namespace r1
