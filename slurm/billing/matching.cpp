// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/matching.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <optional>

namespace r1 {

namespace {

constexpr std::int64_t kClocksDifferMs = 60'000;

/// Cancelled while it waited: it has no start, or ended at its start without an allocation.
bool never_started(const PastJob& start) {
    if (!start.start_s) return true;
    return start.allocated.empty() && start.end_s && *start.end_s <= *start.start_s;
}

bool same_job(const SlurmPlace& place, const PastJob& start) {
    return place.job == start.id.number &&
           (place.cluster.empty() || start.id.cluster.empty() || place.cluster == start.id.cluster);
}

/// Whether the two have time in common, by clocks that differ a little. A start may be later than
/// the attempt's: Slurm counts anew once nodes are powered up.
bool overlap(const PastJob& start, const AttemptRecord& attempt, std::int64_t asked_ms) {
    const std::int64_t end_ms = attempt.end_ms.value_or(asked_ms);
    const bool begun =
        *start.start_s * 1000 <= std::max(attempt.start_ms, end_ms) + kClocksDifferMs;
    const bool over = start.end_s && *start.end_s * 1000 + kClocksDifferMs < attempt.start_ms;
    return begun && !over;
}

class Matching {
  public:
    explicit Matching(const RunRecords& records)
        : records_(records), found_(records.attempts.size(), nullptr) {
        if (!records.accounting) return;
        for (const PastJob& start : records.accounting->starts)
            if (is_of(start, records) && !never_started(start)) free_.push_back(&start);
    }

    Matched match() {
        each([](const PastJob& start, const AttemptRecord& attempt) {
            return *start.start_s * 1000 == attempt.start_ms;
        });
        // An attempt that began after the accounting was asked is none of what it told.
        const std::int64_t asked_ms = records_.accounting ? records_.accounting->asked_ms : 0;
        each([asked_ms](const PastJob& start, const AttemptRecord& attempt) {
            return asked_ms >= attempt.start_ms && overlap(start, attempt, asked_ms);
        });
        each([asked_ms](const PastJob&, const AttemptRecord& attempt) {  // clocks differ a lot
            return asked_ms > attempt.end_ms.value_or(attempt.start_ms);
        });
        return {found_, free_};
    }

  private:
    template <class Fits>
    void each(const Fits& fits) {
        for (std::size_t i = 0; i < found_.size(); ++i) {
            const AttemptRecord& attempt = records_.attempts[i].record;
            if (found_[i] != nullptr || !attempt.slurm) continue;
            auto nearest = free_.end();
            std::int64_t distance = std::numeric_limits<std::int64_t>::max();
            for (auto start = free_.begin(); start != free_.end(); ++start) {
                if (!same_job(*attempt.slurm, **start) || !fits(**start, attempt)) continue;
                const std::int64_t apart = std::abs(*(*start)->start_s * 1000 - attempt.start_ms);
                if (apart >= distance) continue;
                distance = apart;
                nearest = start;
            }
            if (nearest == free_.end()) continue;
            found_[i] = *nearest;
            free_.erase(nearest);
        }
    }

    const RunRecords& records_;
    std::vector<const PastJob*> found_;
    std::vector<const PastJob*> free_;
};

}  // namespace

/// The accounting may not know the name of a job yet, and calls it "allocation" then.
bool is_of(const PastJob& start, const RunRecords& records) {
    if (start.name == records.run.run_id()) return true;
    if (start.name != "allocation" || !start.submit_s) return false;
    const JobRecord* job = records.job_record(start.id.number);
    return job != nullptr && *start.submit_s * 1000 + kClocksDifferMs >= job->submit_ms;
}

Matched match_starts(const RunRecords& records) {
    return Matching(records).match();
}

}  // namespace r1
