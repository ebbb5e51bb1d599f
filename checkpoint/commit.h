// SPDX-License-Identifier: Apache-2.0
// How a finished folder becomes a checkpoint. Folder-private.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "checkpoint/checkpoint.h"

namespace r1 {

/// ".tmp-step-00000100-<pid>", after the process that commits.
std::string temporary_name(std::int64_t step, std::int64_t pid);

/// checkpoints/".trash-<name>-<pid>-<host>", with a number behind it where that is taken: nothing
/// has this name. `name` begins with that of a checkpoint.
std::filesystem::path unused_trash(const std::filesystem::path& checkpoints,
                                   const std::string& name);

/// Makes the folder, and that of all checkpoints. Throws Error.
void make_temporary(const std::filesystem::path& checkpoints,
                    const std::filesystem::path& temporary);
/// Removes it with what is in it, as far as that can be done.
void drop_temporary(const std::filesystem::path& temporary) noexcept;

/// The last steps of a save, once every file is synced: manifest, folder, rename, parent. Throws
/// Error, and commits nothing, when the manifest would not pass a reader's checks.
void seal_checkpoint(const std::filesystem::path& checkpoints,
                     const std::filesystem::path& temporary, const Manifest& manifest);

/// Gives the complete folder `temporary` the name of its step. One that exists already is replaced
/// so that at every instant the old or the new one has the name. Throws Error; `temporary` may be
/// dropped then, as an old one that may still be needed has another name. `may_exchange` off takes
/// the way for file systems that cannot swap two folders (NFS).
void commit_checkpoint(const std::filesystem::path& checkpoints,
                       const std::filesystem::path& temporary, const Manifest& manifest,
                       bool may_exchange = true);

}  // namespace r1
