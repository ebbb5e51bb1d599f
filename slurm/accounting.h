// SPDX-License-Identifier: Apache-2.0
// What a run used and what it cost, from its own attempt records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "checkpoint/run_directory.h"
#include "common/json.h"
#include "common/money.h"
#include "recipes/recipe.h"

namespace r1 {

/// Allocated devices × (end − start), summed over every attempt. Kept in device-milliseconds.
struct Usage {
    int attempts = 0;
    std::int64_t ranks = 0;  ///< of every attempt; 0 when they differ
    std::int64_t gpus = 0;   ///< of every attempt; 0 when they differ
    std::int64_t gpu_milliseconds = 0;
    std::int64_t core_milliseconds = 0;  ///< cores are ranks × threads of a rank
    std::int64_t wall_milliseconds = 0;
    bool provisional = false;  ///< an attempt still runs, or its end had to be inferred
};

/// Attempts whose launcher was killed end at the newest time that their records hold (outcome,
/// metrics, evaluations); a running one ends now. Both make the usage provisional. File times are
/// never used: a copied run costs what the run cost.
Usage usage_of(const RunDirectory& run);

/// nullopt: unpriced, which is not the same as free. Cores are added where they have a price; a run
/// that used GPUs without a price, or only cores without a price, is unpriced.
std::optional<Money> cost_of(const Usage& usage, const CostSection& prices);

/// "1.98", "147000.00": hours rounded half up to two decimals, for display only.
std::string hours_text(std::int64_t device_milliseconds);

/// "usage: 2 ranks x 41.3s = 0.02 core-hours, 0.00 GPU-hours, cost unpriced".
std::string bill_text(const Usage& usage, const CostSection& prices);

/// The same as an object; amounts are decimal text, and an unpriced cost is null.
Json bill_json(const Usage& usage, const CostSection& prices);

}  // namespace r1
