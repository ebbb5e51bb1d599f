// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"
#include "recipes/recipe.h"

namespace r1 {

/// What one rank computes on.
struct RankDevice {
    /// A Backend<Bf16> or a Backend<float>, by the recipe's precision.
    std::unique_ptr<WideBackend<float>> backend;
    std::string uuid;  ///< of its GPU; empty on a CPU
    std::string why;   ///< "resources.device is auto, and this machine has no GPU"
};

/// The device that the recipe asks for: of the GPUs that this process sees, the one of its rank on
/// this node. Throws Error (kUsage) when the recipe asks for a GPU and there is none, or for what
/// the device cannot do.
RankDevice make_rank_device(const Recipe& recipe);

}  // namespace r1
