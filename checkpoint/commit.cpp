// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/commit.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/file.h"

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

// Moves the files into the folder that exists, under names that it does not use; the rename of the
// manifest is the one instant at which the old checkpoint becomes the new one.
void replace_inside(const fs::path& temporary, const fs::path& existing, Manifest manifest) {
    for (FileEntry& file : manifest.files) {
        const std::string old_name = file.name;
        std::error_code error;
        for (int n = 1; fs::exists(existing / file.name, error); ++n)
            file.name = std::to_string(n) + "-" + old_name;
        rename_or_throw(temporary / old_name, existing / file.name);
        for (TensorEntry& tensor : manifest.tensors)
            if (tensor.file == old_name) tensor.file = file.name;
    }
    sync_folder(existing);
    write_file_durably(existing / kManifestName, encode_manifest(manifest));
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(existing, ignored))
        if (!is_named(manifest, entry.path().filename().string())) fs::remove(entry, ignored);
    fs::remove_all(temporary, ignored);
}

}  // namespace

std::string temporary_name(std::int64_t step) {
    return ".tmp-" + checkpoint_name(step) + "-" + std::to_string(::getpid());
}

void commit_checkpoint(const fs::path& checkpoints, const fs::path& temporary,
                       const Manifest& manifest, bool may_exchange) {
    const fs::path target = checkpoints / checkpoint_name(manifest.step);
    std::error_code error;
    if (!fs::exists(fs::symlink_status(target, error))) {
        rename_or_throw(temporary, target);
        sync_folder(checkpoints);
    } else if (may_exchange && exchange(temporary, target)) {
        sync_folder(checkpoints);
        std::error_code ignored;  // what is left of the old one goes at the next retain()
        fs::remove_all(temporary, ignored);
    } else {
        replace_inside(temporary, target, manifest);
    }
}

}  // namespace r1
