// SPDX-License-Identifier: Apache-2.0
// For communicators that work on the GPU's memory. No vendor header: any source may include it.
#pragma once

#include "kernels/device.h"
#include "kernels/device_watches.h"

namespace r1 {

/// The cudaStream_t on which the device does what it is asked; null when it is not a GPU.
void* cuda_stream_of(Device& device);

/// Those that look on wherever the host waits for the device; null when it is not a GPU.
DeviceWatches* cuda_watches_of(Device& device);

}  // namespace r1
