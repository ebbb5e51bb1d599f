// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/charge.h"

#include <algorithm>
#include <limits>

#include "slurm/billing/calendar.h"

namespace r1 {

namespace {

constexpr std::int64_t kEndless = std::numeric_limits<std::int64_t>::max();

/// The period that holds at a moment; nullptr before the first.
const RatePeriod* period_at(const RateSchedule& rates, std::int64_t moment) {
    const RatePeriod* found = nullptr;
    for (const RatePeriod& period : rates)
        if (period.from_ms <= moment) found = &period;
    return found;
}

/// When another rate begins after a moment.
std::int64_t next_rate(const RateSchedule& rates, std::int64_t moment) {
    for (const RatePeriod& period : rates)
        if (period.from_ms > moment) return period.from_ms;
    return kEndless;
}

/// The pieces of a charge with what lies between them.
std::vector<Piece> covering(const Charge& charge) {
    std::vector<Piece> pieces;
    std::int64_t covered = charge.start_ms;
    for (const Piece& piece : charge.pieces) {
        if (piece.start_ms > covered)
            pieces.push_back({Work::kUnknown, "", covered, piece.start_ms});
        pieces.push_back(piece);
        covered = piece.end_ms;
    }
    if (covered < charge.end_ms) pieces.push_back({Work::kUnknown, "", covered, charge.end_ms});
    return pieces;
}

void cut(const Piece& piece, const RateSchedule& rates, std::vector<Segment>& segments) {
    for (std::int64_t at = piece.start_ms; at < piece.end_ms;) {
        const std::chrono::year_month month = month_at(at);
        const std::int64_t end = std::min(
            {piece.end_ms, next_rate(rates, at), begin_of(month + std::chrono::months(1))});
        const RatePeriod* period = period_at(rates, at);
        segments.push_back({piece.work, piece.stage, number_of(month),
                            period != nullptr ? std::optional(period->rate) : std::nullopt, at,
                            end});
        at = end;
    }
}

}  // namespace

const char* to_string(ChargeSource source) {
    switch (source) {
        case ChargeSource::kOwn:
            return "own";
        case ChargeSource::kAccounting:
            return "sacct";
        case ChargeSource::kQueue:
            return "squeue";
    }
    return "";
}

std::vector<Segment> segments_of(const Charge& charge, std::int64_t since_ms,
                                 std::int64_t until_ms) {
    std::vector<Segment> segments;
    if (!charge.refused.empty()) return segments;
    for (Piece piece : covering(charge)) {
        piece.start_ms = std::max(piece.start_ms, since_ms);
        piece.end_ms = std::min(piece.end_ms, until_ms);
        cut(piece, charge.rates, segments);
    }
    return segments;
}

std::vector<Segment> segments_of(const Charge& charge) {
    return segments_of(charge, std::numeric_limits<std::int64_t>::min(), kEndless);
}

}  // namespace r1
