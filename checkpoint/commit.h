// SPDX-License-Identifier: Apache-2.0
// How a finished folder becomes a checkpoint, and how one goes. Folder-private.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "checkpoint/checkpoint.h"

namespace r1 {

/// ".tmp-step-00000100-<pid>".
std::string temporary_name(std::int64_t step);

/// Gives the complete folder `temporary` the name of its step. One that exists already is replaced
/// so that at every instant the old or the new one has the name. `may_exchange` off takes the way
/// for file systems that cannot swap two folders (NFS).
void commit_checkpoint(const std::filesystem::path& checkpoints,
                       const std::filesystem::path& temporary, const Manifest& manifest,
                       bool may_exchange = true);

/// See CheckpointWriter::retain.
void retain_checkpoints(const std::filesystem::path& checkpoints, std::int64_t keep_last);

}  // namespace r1
