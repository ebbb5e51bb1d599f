// SPDX-License-Identifier: Apache-2.0
// What a checkpoint holds of a training run, and how it gets in and out of the flat buffers.
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "common/json.h"
#include "kernels/backend.h"
#include "mpi_runtime/model/parameter_layout.h"

namespace r1 {

/// Collects copies of everything that one checkpoint keeps.
class Snapshot {
  public:
    Snapshot();
    ~Snapshot();
    /// Every tensor of the flat buffer at `values` (device memory), as "<prefix>/<name>".
    void add_parameters(const std::string& prefix, const ParameterLayout& layout,
                        Backend<float>& backend, const float* values);
    void add_bytes(const std::string& name, std::string bytes);
    /// The trainer's counters.
    Json& state() { return *state_; }
    std::string state_text() const;
    const std::vector<TensorView>& tensors() const { return tensors_; }

  private:
    std::unique_ptr<Json> state_;
    std::deque<std::vector<float>> buffers_;
    std::deque<std::string> texts_;
    std::vector<TensorView> tensors_;
};

/// A checkpoint being read; every byte is verified on the way in.
class SavedState {
  public:
    /// Throws Error (kCheckpoint).
    explicit SavedState(std::filesystem::path folder);
    ~SavedState();
    SavedState(SavedState&&) noexcept;

    const Json& state() const { return *state_; }
    std::int64_t step() const { return manifest_.step; }
    bool has(const std::string& tensor) const;
    /// The flat buffer of "<prefix>/<name>" tensors. Throws Error (kCheckpoint) when a tensor is
    /// missing or has another shape than the layout says.
    std::vector<float> parameters(const std::string& prefix, const ParameterLayout& layout) const;
    std::string bytes(const std::string& name) const;

  private:
    std::filesystem::path folder_;
    Manifest manifest_;
    std::unique_ptr<Json> state_;
};

}  // namespace r1
