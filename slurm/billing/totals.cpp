// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/totals.h"

#include <algorithm>
#include <set>

#include "common/error.h"
#include "slurm/billing/calendar.h"
#include "slurm/billing/share.h"

namespace r1 {

namespace {

[[noreturn]] void throw_too_large() {
    throw Error(ExitCode::kRunFailed,
                "a sum of the bill is larger than 64 bits hold; ask for a shorter time with "
                "--since and --until");
}

}  // namespace

std::int64_t exact_sum(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) throw_too_large();
    return sum;
}

std::int64_t exact_product(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) throw_too_large();
    return product;
}

NumberedCharge numbered(const Charge& charge, Vocabulary& vocabulary) {
    ChargeKind kind;
    kind.recipe = vocabulary.number_of(charge.recipe);
    kind.user = vocabulary.number_of(charge.user);
    kind.account = vocabulary.number_of(charge.account);
    kind.cluster = vocabulary.number_of(charge.cluster);
    kind.partition = vocabulary.number_of(charge.partition);
    kind.gpu_type = vocabulary.number_of(charge.gpu_type);
    kind.gpus_from = vocabulary.number_of(charge.gpus_from);
    kind.source = charge.source;
    kind.provisional = charge.provisional;
    kind.allocated = charge.allocated;
    NumberedCharge made;
    made.kind = vocabulary.number_of(kind);
    made.start_ms = charge.start_ms;
    made.end_ms = charge.end_ms;
    made.suspended_ms = charge.suspended_ms;
    const Segment* before = nullptr;
    const std::vector<Segment> segments = segments_of(charge);
    for (const Segment& segment : segments) {
        NumberedSegment one{segment.work,  0, segment.month, Vocabulary::kNoRate, segment.start_ms,
                            segment.end_ms};
        one.stage = vocabulary.number_of(segment.stage);
        // Most rates are the one before, and to compare is quicker than to look up.
        if (before != nullptr && before->rate == segment.rate)
            one.rate = made.segments.back().rate;
        else if (segment.rate)
            one.rate = vocabulary.number_of(*segment.rate);
        made.segments.push_back(one);
        before = &segment;
    }
    return made;
}

void add_totals(Totals& totals, const NumberedCharge& charge, const Vocabulary& vocabulary,
                std::int64_t since_ms, std::int64_t until_ms) {
    const Allocation& allocated = vocabulary.kind(charge.kind).allocated;
    const std::int64_t suspended = exact_product(charge.suspended_ms, devices_of(allocated));
    const bool begins = charge.start_ms >= since_ms && charge.start_ms < until_ms;
    bool counted = !begins;
    std::set<int> stages;
    for (const NumberedSegment& segment : charge.segments) {
        const std::int64_t start = std::max(segment.start_ms, since_ms);
        const std::int64_t end = std::min(segment.end_ms, until_ms);
        if (start >= end) continue;
        TotalSums& sums =
            totals[{charge.kind, segment.work, segment.stage, segment.month, segment.rate}];
        if (!counted) ++sums.attempts;
        counted = true;
        if (begins && stages.insert(segment.stage).second) ++sums.stage_attempts;
        sums.wall_ms = exact_sum(sums.wall_ms, end - start);
        sums.suspended_ms = exact_sum(
            sums.suspended_ms, share_of(suspended, start - charge.start_ms, end - charge.start_ms,
                                        charge.end_ms - charge.start_ms));
    }
    if (counted) return;
    TotalSums& sums = totals[{charge.kind, Work::kOverhead, 0, number_of(month_at(charge.start_ms)),
                              Vocabulary::kNoRate}];
    ++sums.attempts;
    ++sums.stage_attempts;
}

}  // namespace r1
