// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace r1 {

/// One process alone writes whole checkpoints, and waits for each. What lies below the common
/// saving of all ranks, and is the same for any number of them, is tested through it.
class CheckpointWriter {
  public:
    virtual ~CheckpointWriter() = default;
    /// Writes, syncs and renames into place; returns when the checkpoint exists. On an error the
    /// temporary folder is removed, Error is thrown, and what existed before is untouched.
    /// An existing checkpoint of the same step is replaced.
    virtual void save(std::int64_t step, bool keep, const std::string& state,
                      const std::vector<TensorView>& tensors) = 0;
    /// Retention::apply with a policy of `keep_last` (checkpoint/retention.h).
    virtual void retain(std::int64_t keep_last) = 0;
};
std::unique_ptr<CheckpointWriter> make_hdf5_checkpoint_writer(std::filesystem::path checkpoints,
                                                              std::string run_id);

}  // namespace r1
