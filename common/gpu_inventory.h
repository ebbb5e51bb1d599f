// SPDX-License-Identifier: Apache-2.0
// The GPUs that this process can see. A target of its own, so that r1ctl does not link CUDA.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace r1 {

struct Gpu {
    int index = 0;     ///< the device number of this process, not of the machine
    std::string uuid;  ///< as nvidia-smi writes it: "GPU-4c2f…"; the same on every start
    std::string name;  ///< "NVIDIA H100 80GB HBM3"
    std::int64_t memory_bytes = 0;
    std::string bus_id;  ///< "0000:5e:00.0"; the same for all MIG instances of a card
};

/// Empty where there is no GPU or no driver, and in a build without CUDA. Throws Error when a GPU
/// is there but cannot be asked.
std::vector<Gpu> list_gpus();

/// The one on which this thread works; nullopt where list_gpus() is empty.
std::optional<Gpu> current_gpu();

}  // namespace r1
