// SPDX-License-Identifier: Apache-2.0
// GPUs of an attempt, as its prologue found them on the nodes. Folder-private.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"

namespace r1 {

struct NodeInventory {
    std::vector<std::string> names;    ///< the driver's, each once: "NVIDIA H100 80GB HBM3"
    std::optional<std::int64_t> gpus;  ///< that Slurm gave on all nodes; absent: a node is silent
};
/// Damaged records of nodes count as silence: the type is known from elsewhere then, or not.
NodeInventory inventory_of(const RunDirectory& run, const AttemptRecord& attempt);

/// A type as Slurm and prices call it. One of `known` that the driver's name contains, else the
/// model's name in small letters: "NVIDIA A100-SXM4-80GB" is "a100".
std::string gpu_type_of(const std::string& driver_name, const std::vector<std::string>& known);

/// Of all names: "a100+h100" where there are several, in order.
std::string gpu_types_of(const std::vector<std::string>& driver_names,
                         const std::vector<std::string>& known);

}  // namespace r1
