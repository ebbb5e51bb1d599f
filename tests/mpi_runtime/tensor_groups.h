// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "mpi_runtime/comm/tensor_group.h"

namespace r1::test {

/// The group of `comm`'s ranks for a device whose memory the host shares.
inline std::unique_ptr<TensorGroup> group_of(Communicator& comm, WideBackend<float>& device) {
    return make_tensor_group(comm, tensor_device(device), {}).group;
}

}  // namespace r1::test
