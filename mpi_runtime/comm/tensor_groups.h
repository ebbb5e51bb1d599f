// SPDX-License-Identifier: Apache-2.0
// Private to comm: the implementations of TensorGroup, and what they share.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "kernels/device_watches.h"
#include "mpi_runtime/comm/tensor_group.h"

namespace r1 {

/// Tensors in host memory. What is begun is done at once.
std::unique_ptr<TensorGroup> make_host_tensor_group(Communicator& comm);

/// One rank, on any device: copies and sums within it.
std::unique_ptr<TensorGroup> make_local_tensor_group(TensorDevice device);

/// Tensors that the host cannot see, copied to it and back in pieces. What is begun is done at
/// once.
std::unique_ptr<TensorGroup> make_staged_tensor_group(Communicator& comm, TensorDevice device);

/// The order of a GPU's work, and who looks on where the host waits for it.
struct DeviceQueue {
    void* stream;            ///< cuda_stream_of()
    DeviceWatches& watches;  ///< cuda_watches_of()
};

/// "2.28.9". Throws Error (kLibrary) where NCCL is not found, (kUsage) in a build without it.
std::string nccl_version();

/// NCCL, between GPUs that are the ranks' own. Collective. Throws Error (kUsage) in a build without
/// NCCL.
std::unique_ptr<TensorGroup> make_nccl_tensor_group(Communicator& comm, TensorDevice device,
                                                    DeviceQueue queue,
                                                    const TensorGroupOptions& options);

/// The terms' sum, added on the device: parts[i] are the values of terms[i], and all of them may be
/// overwritten. Returns the one in which the sum comes to lie; null without terms.
float* add_terms_on(const TensorDevice& device, std::span<const SumTerm> terms,
                    std::span<float* const> parts, std::size_t count);

}  // namespace r1
