// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/commit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <string_view>
#include <system_error>
#include <vector>

#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/host.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

bool exchange(const fs::path& a, const fs::path& b) {
    if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
    if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) return false;
    throw_system_error("rename to", b.string());
}

void rename_or_throw(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) throw_system_error("rename to", to.string());
}

bool is_named(const Manifest& manifest, const std::string& name) {
    for (const FileEntry& file : manifest.files)
        if (file.name == name) return true;
    return name == kManifestName;
}

// After an error. Those that the manifest on the disk may name already stay.
void take_back(const fs::path& existing, const std::vector<std::string>& moved) noexcept {
    try {
        const Manifest current = read_manifest(existing);
        std::error_code ignored;
        for (const std::string& name : moved)
            if (!is_named(current, name)) fs::remove(existing / name, ignored);
    } catch (const std::exception&) {
        return;  // remove_leftovers() looks again
    }
}

// The rename of the manifest is the one instant at which the old checkpoint becomes the new one.
void move_inside(const fs::path& temporary, const fs::path& existing, Manifest& manifest,
                 std::vector<std::string>& moved) {
    for (FileEntry& file : manifest.files) {
        const std::string old_name = file.name;
        std::error_code error;
        for (int n = 1; fs::exists(existing / file.name, error); ++n)
            file.name = std::to_string(n) + "-" + old_name;
        rename_or_throw(temporary / old_name, existing / file.name);
        moved.push_back(file.name);
        for (TensorEntry& tensor : manifest.tensors)
            for (TensorPiece& piece : tensor.pieces)
                if (piece.file == old_name) piece.file = file.name;
    }
    sync_folder(existing);
    write_file_durably(existing / kManifestName, encode_manifest(manifest));
}

// Moves the files into the folder that exists, under names that it does not use.
void replace_inside(const fs::path& temporary, const fs::path& existing, Manifest manifest) {
    std::vector<std::string> moved;
    try {
        move_inside(temporary, existing, manifest, moved);
    } catch (...) {
        take_back(existing, moved);
        throw;
    }
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(existing, ignored))
        if (!is_named(manifest, entry.path().filename().string())) fs::remove(entry, ignored);
    fs::remove_all(temporary, ignored);
}

// Until the exchange is on the disk, the old one may be what has the name there.
void sync_exchange(const fs::path& checkpoints, const fs::path& old_one, const std::string& name) {
    try {
        sync_folder(checkpoints);
    } catch (...) {
        // Where this fails too, there is nothing more that could be done for it.
        [[maybe_unused]] const int moved =
            ::rename(old_one.c_str(), unused_trash(checkpoints, name).c_str());
        throw;
    }
}

}  // namespace

std::string temporary_name(std::int64_t step, std::int64_t pid) {
    return ".tmp-" + checkpoint_name(step) + "-" + std::to_string(pid);
}

fs::path unused_trash(const fs::path& checkpoints, const std::string& name) {
    const std::string first =
        ".trash-" + name + "-" + std::to_string(::getpid()) + "-" + host_name();
    fs::path path = checkpoints / first;
    std::error_code error;
    for (int n = 1; fs::exists(fs::symlink_status(path, error)); ++n)
        path = checkpoints / (first + "-" + std::to_string(n));
    return path;
}

void make_temporary(const fs::path& checkpoints, const fs::path& temporary) {
    std::error_code error;
    if (fs::create_directories(checkpoints, error)) {
        const fs::path parent = checkpoints.parent_path();
        sync_folder(parent.empty() ? fs::path(".") : parent);
    }
    if (error) {
        errno = error.value();
        throw_system_error("make the folder", checkpoints.string());
    }
    // What a killed process of this number has left may be the old one of sync_exchange().
    if (fs::exists(fs::symlink_status(temporary, error))) {
        const fs::path trash = unused_trash(
            checkpoints, temporary.filename().string().substr(std::string_view(".tmp-").size()));
        rename_or_throw(temporary, trash);
        sync_folder(checkpoints);
        drop_temporary(trash);
    }
    if (::mkdir(temporary.c_str(), 0755) != 0)
        throw_system_error("make the folder", temporary.string());
}

void drop_temporary(const fs::path& temporary) noexcept {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
}

void seal_checkpoint(const fs::path& checkpoints, const fs::path& temporary,
                     const Manifest& manifest) {
    const fs::path path = temporary / kManifestName;
    const std::string text = encode_manifest(manifest);
    decode_manifest(text, path.string());  // what cannot be read is not committed
    const FileDescriptor fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
    write_all(fd.get(), text, path);
    sync_file(fd.get(), path);
    sync_folder(temporary);
    commit_checkpoint(checkpoints, temporary, manifest);
}

void commit_checkpoint(const fs::path& checkpoints, const fs::path& temporary,
                       const Manifest& manifest, bool may_exchange) {
    const fs::path target = checkpoints / checkpoint_name(manifest.step);
    std::error_code error;
    if (!fs::exists(fs::symlink_status(target, error))) {
        rename_or_throw(temporary, target);
        sync_folder(checkpoints);
    } else if (may_exchange && exchange(temporary, target)) {
        sync_exchange(checkpoints, temporary, checkpoint_name(manifest.step));
        drop_temporary(temporary);  // what is left of the old one goes at the next start
    } else {
        replace_inside(temporary, target, manifest);
    }
}

}  // namespace r1
