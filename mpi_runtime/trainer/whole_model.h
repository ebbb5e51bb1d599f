// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "kernels/array.h"
#include "kernels/backend.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/trainer/parameter_shards.h"

namespace r1 {

/// The whole model of which a rank has a slice: in files there is nothing else. All ranks save it
/// in equal parts.
class WholeModel {
  public:
    /// Borrows the device and the groups. `all` are the ranks that save, `data` those that have the
    /// same slice as this one, `slices` those that share a model with it.
    WholeModel(const ModelShape& whole, WideBackend<float>& device, const Communicator& all,
               TensorGroup& data, TensorGroup& slices);

    const ParameterLayout& layout() const { return layout_; }
    /// Which rank of all saves what.
    const ParameterShards& shards() const { return shards_; }
    /// The rank's slice of a whole flat buffer.
    std::vector<float> cut(std::span<const float> whole) const;
    /// What this rank saves of a whole flat buffer of which it has, on the device, the range
    /// owners[rank in data] of its slice. Puts the buffer together section by section. Collective
    /// over all ranks.
    std::vector<float> gather(std::span<const ValueRange> owners, const float* own);

  private:
    /// The section's parts of all slices, one behind the other, on the device.
    Array<float> gather_section(std::size_t section, std::span<const ValueRange> parts,
                                std::span<const ValueRange> owners, const float* own);

    WideBackend<float>& device_;
    TensorGroup& data_;
    TensorGroup& slices_;
    ParameterLayout layout_;
    ParameterShards shards_;
    ValueRange saved_;                            // by this rank
    std::vector<ParameterLayout> slice_layouts_;  // by slice
};

}  // namespace r1
