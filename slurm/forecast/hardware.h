// SPDX-License-Identifier: Apache-2.0
// What one device can do at most, from its maker's data sheet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace r1 {

/// One device, from its data sheet or measured. All rates are per second.
struct Hardware {
    std::string name;              ///< as Slurm calls it: "h800"; "cpu"
    double flops = 0;              ///< dense, in the precision that is trained in
    double memory = 0;             ///< bytes; 0: not known
    double memory_bandwidth = 0;   ///< bytes
    double node_bandwidth = 0;     ///< bytes to the other devices of its node, each way
    double network_bandwidth = 0;  ///< bytes to other nodes, each way
    std::int64_t per_node = 0;     ///< devices of a node; 0: not known
    std::string source;            ///< "NVIDIA H800 data sheet", "calibrated from run …"
};

/// By Slurm's name of the GPU, large and small letters alike: "h800", "nvidia_h100_80gb_hbm3",
/// "A100-SXM4-80GB". Where a type comes in two sizes and the name does not say which, the smaller.
/// nullopt for one that is not known, and for a part of a GPU (MIG).
std::optional<Hardware> find_hardware(std::string_view gpu_type);
/// The names that find_hardware() knows, separated by commas.
std::string known_hardware();
/// One core of a CPU, roughly; calibration replaces it.
Hardware cpu_core();

}  // namespace r1
