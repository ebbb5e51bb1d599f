// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "common/json.h"
#include "mpi_runtime/trainer/parameter_shards.h"

namespace r1 {

/// A checkpoint being read; every byte is verified on the way in. By whom it was written, and by
/// how many, does not matter.
class SavedState {
  public:
    /// Throws Error (kCheckpoint).
    explicit SavedState(std::filesystem::path folder);
    ~SavedState();
    SavedState(SavedState&&) noexcept;

    const Manifest& manifest() const { return manifest_; }
    const Json& state() const { return *state_; }
    std::int64_t step() const { return manifest_.step; }
    bool has(const std::string& tensor) const { return manifest_.find(tensor) != nullptr; }

    /// Those of the "<prefix>/<name>" tensors' values that lie in `range` of the flat buffer go to
    /// `target`, its first value first; nothing else is read. Throws Error (kCheckpoint) when a
    /// tensor is missing or has another shape than the layout says.
    void read(const std::string& prefix, const ParameterLayout& layout,
              const ParameterShards& shards, const ValueRange& range, float* target) const;
    /// The whole flat buffer.
    std::vector<float> parameters(const std::string& prefix, const ParameterLayout& layout) const;
    std::string bytes(const std::string& name) const;

  private:
    std::filesystem::path folder_;
    Manifest manifest_;
    std::unique_ptr<Json> state_;
};

/// The whole flat buffer on every rank, of which each has read its part. Collective.
void read_together(Communicator& comm, const SavedState& saved, const std::string& prefix,
                   const ParameterLayout& layout, float* target);

}  // namespace r1
