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
#include "checkpoint/hash.h"
#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/text.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlockBytes = std::uint64_t{4} << 20;

// The hash of a range of a file, read block by block.
void hash_range(int fd, std::uint64_t begin, std::uint64_t end, std::vector<char>& block,
                Hasher& hasher, const fs::path& path) {
    while (begin < end) {
        const std::uint64_t bytes = std::min(kBlockBytes, end - begin);
        read_exactly(fd, block.data(), bytes, begin, path);
        hasher.update(block.data(), bytes);
        begin += bytes;
    }
}

[[noreturn]] void throw_wrong_tensor(const fs::path& checkpoint, const TensorEntry& entry) {
    throw_bad_checkpoint(checkpoint, "the bytes of tensor '" + printable(entry.name) + "' in '" +
                                         printable(entry.file) + "' are damaged");
}

void verify_file(const fs::path& checkpoint, const Manifest& manifest, const FileEntry& file) {
    const fs::path path = checkpoint / file.name;
    const OpenedFile opened = open_checkpoint_file(path);
    std::vector<char> block(kBlockBytes);
    Hasher rest;
    std::uint64_t at = 0;
    for (const TensorEntry* tensor : tensors_by_offset(manifest, file.name)) {
        hash_range(opened.fd.get(), at, tensor->offset, block, rest, path);
        at = tensor->offset + tensor->bytes;
        Hasher hasher;
        hash_range(opened.fd.get(), tensor->offset, at, block, hasher, path);
        if (hasher.hex() != tensor->xxh3_128) throw_wrong_tensor(checkpoint, *tensor);
    }
    hash_range(opened.fd.get(), at, file.bytes, block, rest, path);
    if (rest.hex() != file.rest_xxh3_128)
        throw_bad_checkpoint(path, "its structure, outside the tensors, is damaged");
}

}  // namespace

void throw_bad_checkpoint(const fs::path& what, const std::string& problem) {
    throw Error(ExitCode::kCheckpoint,
                "bad checkpoint '" + what.string() + "': " + problem +
                    "; `r1ctl checkpoint list` shows those that verify, and `r1ctl resume` uses "
                    "the newest of them");
}

OpenedFile open_checkpoint_file(const fs::path& path) {
    OpenedFile file;
    file.fd = FileDescriptor(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!file.fd) throw_bad_checkpoint(path, std::generic_category().message(errno));
    struct stat status {};
    if (::fstat(file.fd.get(), &status) != 0)
        throw_bad_checkpoint(path, std::generic_category().message(errno));
    if (!S_ISREG(status.st_mode)) throw_bad_checkpoint(path, "it is not a regular file");
    file.bytes = static_cast<std::uint64_t>(status.st_size);
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

const TensorEntry& Manifest::tensor(const std::string& name) const {
    for (const TensorEntry& entry : tensors)
        if (entry.name == name) return entry;
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
    if (file.bytes > kLargestManifest) throw_bad_checkpoint(path, "it is larger than 64 MiB");
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

void read_tensor(const fs::path& checkpoint, const TensorEntry& entry, void* target) {
    const fs::path path = checkpoint / fs::path(entry.file).filename();
    const OpenedFile file = open_checkpoint_file(path);
    read_exactly(file.fd.get(), target, entry.bytes, entry.offset, path);
    Hasher hasher;
    hasher.update(target, entry.bytes);
    if (hasher.hex() != entry.xxh3_128) throw_wrong_tensor(checkpoint, entry);
}

void verify_checkpoint(const fs::path& checkpoint) {
    const Manifest manifest = read_manifest(checkpoint);
    for (const FileEntry& file : manifest.files) verify_file(checkpoint, manifest, file);
    const std::string nothing = hash_hex({});
    for (const TensorEntry& tensor : manifest.tensors)
        if (tensor.bytes == 0 && tensor.xxh3_128 != nothing) throw_wrong_tensor(checkpoint, tensor);
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

std::optional<std::int64_t> latest_verified(const fs::path& checkpoints,
                                            std::vector<Rejected>& rejected) {
    std::vector<std::int64_t> steps = list_checkpoints(checkpoints);
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        const fs::path checkpoint = checkpoints / checkpoint_name(*step);
        try {
            verify_checkpoint(checkpoint);
            if (read_manifest(checkpoint).step == *step) return *step;
            throw_bad_checkpoint(checkpoint, "its manifest is that of another step");
        } catch (const Error& e) {
            rejected.push_back({*step, e.what()});
        }
    }
    return std::nullopt;
}

}  // namespace r1
