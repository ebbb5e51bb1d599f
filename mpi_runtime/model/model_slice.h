// SPDX-License-Identifier: Apache-2.0
// Tensor parallelism (Shoeybi et al. 2019, Megatron-LM): the slices of a model divide its attention
// heads, the columns of its MLPs and its vocabulary; each has all norms. Pure: every rank computes
// the same answer. Files hold the whole model, whatever the number of slices that wrote them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mpi_runtime/model/parameter_layout.h"

namespace r1 {

/// Slice `slice` of `slices` of a whole model. Throws Error (kUsage) naming the key of the model
/// that `slices` does not divide.
ModelShape slice_shape(const ModelShape& whole, std::int32_t slice, std::int32_t slices);

/// One section's values of a slice, out of the whole section and back into it. Both buffers begin
/// with the section's first value in their own layout; gaps stay as they are. V is float or double.
template <class V>
void cut_section(V* slice, const ParameterLayout& slice_layout, const V* whole,
                 const ParameterLayout& whole_layout, std::size_t section);
template <class V>
void join_section(V* whole, const ParameterLayout& whole_layout, const V* slice,
                  const ParameterLayout& slice_layout, std::size_t section);

/// The flat buffer of a slice, out of that of the whole model; gaps are 0.
template <class V>
std::vector<V> cut_parameters(const ParameterLayout& slice_layout, std::span<const V> whole,
                              const ParameterLayout& whole_layout);

}  // namespace r1
