// SPDX-License-Identifier: Apache-2.0
// For communicators that work on the GPU's memory. No vendor header: any source may include it.
#pragma once

#include <functional>

#include "kernels/device.h"

namespace r1 {

/// The cudaStream_t on which the device does what it is asked; null when it is not a GPU.
void* cuda_stream_of(Device& device);

/// Sets what a GPU calls before the host waits for all of its work, so that it can throw where that
/// wait would have no end; nothing, when `waiter` is empty. Other devices do not change.
void wait_for_cuda_with(Device& device, std::function<void()> waiter);

}  // namespace r1
