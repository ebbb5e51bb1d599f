// SPDX-License-Identifier: Apache-2.0
// Stands in for cuda/gpu_inventory.cu in a build without CUDA.
#include "common/gpu_inventory.h"

namespace r1 {

std::vector<Gpu> list_gpus() {
    return {};
}

std::optional<Gpu> current_gpu() {
    return std::nullopt;
}

}  // namespace r1
