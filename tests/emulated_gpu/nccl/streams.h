// SPDX-License-Identifier: Apache-2.0
// The streams behind include/cuda_runtime.h, for the device and the NCCL that work on them.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>

namespace r1::test {

/// Work of a stream: called until it returns true, when it is done. It may touch hidden memory.
using StreamWork = std::function<bool()>;

cudaStream_t make_stream();
void enqueue(cudaStream_t stream, StreamWork work);
bool is_idle(cudaStream_t stream);
/// Lets some of the streams do some of their work, by chance.
void drive_streams();
/// Waits for all streams, as cudaFree does.
void drain_streams();
/// Which chance: streams overtake each other in another way.
void seed_streams(std::uint64_t seed);

}  // namespace r1::test
