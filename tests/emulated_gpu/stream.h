// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <functional>

namespace r1::emulated {

/// Does the work at once, or records it where the stream is captured.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);

}  // namespace r1::emulated
