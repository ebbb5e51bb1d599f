// SPDX-License-Identifier: Apache-2.0
// Charges in numbers of a vocabulary, and their sums by all that a question can be about.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "slurm/billing/charge.h"
#include "slurm/billing/vocabulary.h"

namespace r1 {

struct NumberedSegment {
    Work work = Work::kOverhead;
    int stage = 0;
    int month = 0;
    int rate = Vocabulary::kNoRate;
    std::int64_t start_ms = 0;
    std::int64_t end_ms = 0;
};

struct NumberedCharge {
    int kind = 0;
    std::int64_t start_ms = 0;
    std::int64_t end_ms = 0;
    std::int64_t suspended_ms = 0;
    std::vector<NumberedSegment> segments;  ///< in order, from start to end
};
NumberedCharge numbered(const Charge& charge, Vocabulary& vocabulary);

/// What segments have in common that are summed.
struct TotalKey {
    int kind = 0;
    Work work = Work::kOverhead;
    int stage = 0;
    int month = 0;
    int rate = Vocabulary::kNoRate;
    friend bool operator<(const TotalKey& a, const TotalKey& b) {
        return std::tie(a.kind, a.work, a.stage, a.month, a.rate) <
               std::tie(b.kind, b.work, b.stage, b.month, b.rate);
    }
};

struct TotalSums {
    std::int64_t attempts = 0;        ///< that begin here
    std::int64_t stage_attempts = 0;  ///< that begin their stage here
    std::int64_t wall_ms = 0;
    std::int64_t suspended_ms = 0;  ///< × GPUs, or cores where there are none
};
using Totals = std::map<TotalKey, TotalSums>;

/// Adds what a charge has in [since_ms, until_ms), cut to the millisecond. A charge that ends when
/// it begins still is an attempt.
void add_totals(Totals& totals, const NumberedCharge& charge, const Vocabulary& vocabulary,
                std::int64_t since_ms, std::int64_t until_ms);

/// Of 64 bits. Throws Error where the result does not fit: an amount is never wrong in silence.
std::int64_t exact_sum(std::int64_t a, std::int64_t b);
std::int64_t exact_product(std::int64_t a, std::int64_t b);

}  // namespace r1
