// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "bench/gpu/bench.h"

namespace r1::bench {

double taken_memory(const Options& options) {
    std::size_t free = 0, total = 0;
    if (options.on_cpu || cudaMemGetInfo(&free, &total) != cudaSuccess) return 0;
    return static_cast<double>(total - free);
}

}  // namespace r1::bench
