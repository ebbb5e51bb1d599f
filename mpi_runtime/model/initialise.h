// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "common/random.h"
#include "mpi_runtime/model/parameter_layout.h"

namespace r1 {

/// The seeded starting values of the whole flat buffer, in host memory. Normal with deviation
/// initializer_range for embeddings and the output projection, 1/sqrt(fan_in) for linear layers,
/// that over sqrt(2 × layers) for the two that write into the residual stream (Radford et al.
/// 2019); norms are 1 and biases 0. Each row has its own stream, so that no order of work matters.
std::vector<float> initial_parameters(const ModelShape& shape, const ParameterLayout& layout,
                                      PhiloxKey key);

}  // namespace r1
