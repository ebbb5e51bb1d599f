// SPDX-License-Identifier: Apache-2.0
// What a checkpoint holds of a training run, and how it gets out of the flat buffers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/json.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/store/volume.h"
#include "mpi_runtime/trainer/parameter_shards.h"

namespace r1 {

/// Names everything that one checkpoint keeps; every rank makes the same calls. What it is given is
/// borrowed until it has been copied.
class Snapshot {
  public:
    explicit Snapshot(const Communicator& comm);
    ~Snapshot();
    /// Every tensor of the flat buffer as "<prefix>/<name>", each value from the rank that owns it.
    /// `own` is where the values that this rank owns begin, in host memory.
    void add_parameters(const std::string& prefix, const ParameterLayout& layout,
                        const ParameterShards& shards, const float* own);
    /// The same for values that do not change from save to save: they are written once. `content`
    /// tells them from others that the same run freezes.
    void add_frozen(const std::string& prefix, const std::string& content,
                    const ParameterLayout& layout, const ParameterShards& shards, const float* own);
    /// What the leader gives counts; the same on every rank by its nature.
    void add_bytes(const std::string& name, std::string bytes);
    /// The trainer's counters.
    Json& state() { return *state_; }
    std::string state_text() const;
    /// Leaves nothing here.
    std::vector<Volume> take_volumes();

  private:
    void add_to(Volume& volume, const std::string& prefix, const ParameterLayout& layout,
                const ParameterShards& shards, const float* own) const;
    Volume make_volume(std::string prefix) const;

    const Communicator& comm_;
    std::unique_ptr<Json> state_;
    std::vector<Volume> volumes_;  // what changes, and then what is frozen
};

}  // namespace r1
