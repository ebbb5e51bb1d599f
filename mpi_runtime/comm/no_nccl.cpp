// SPDX-License-Identifier: Apache-2.0
// Stands in for cuda/nccl_tensor_group.cpp in a build without NCCL.
#include "common/error.h"
#include "mpi_runtime/comm/tensor_groups.h"

namespace r1 {

namespace {

[[noreturn]] void refuse() {
    throw Error(ExitCode::kUsage,
                "this build of r1ctl has no NCCL; build it where CUDA and nccl.h are");
}

}  // namespace

std::string nccl_version() {
    refuse();
}

std::unique_ptr<TensorGroup> make_nccl_tensor_group(Communicator&, TensorDevice, DeviceQueue,
                                                    const TensorGroupOptions&) {
    refuse();
}

}  // namespace r1
