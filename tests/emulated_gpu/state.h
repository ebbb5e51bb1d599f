// SPDX-License-Identifier: Apache-2.0
// What the parts of the emulated runtime share.
#pragma once

#include <cuda_runtime.h>

#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::emulated {

/// Keeps the error as this host thread's last one, and returns it.
cudaError_t fail(cudaError_t error);
/// For calls that wait for the device: while a stream is captured they fail and spoil the capture.
cudaError_t check_may_synchronize();
const Devices& devices();

}  // namespace r1::emulated
