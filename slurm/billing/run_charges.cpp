// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/run_charges.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "common/error.h"
#include "recipes/load.h"
#include "slurm/billing/device_type.h"
#include "slurm/billing/matching.h"
#include "slurm/billing/pieces.h"
#include "slurm/billing/tres.h"

namespace r1 {

namespace {

constexpr std::int64_t kSecond = 1000;

const char* state_text(const JobState& state) {
    switch (state.end) {
        case JobEnd::kCompleted:
            return "completed";
        case JobEnd::kFailed:
            return "failed";
        case JobEnd::kCancelled:
            return "cancelled";
        case JobEnd::kTimeLimit:
            return "time limit";
        case JobEnd::kPreempted:
            return "preempted";
        case JobEnd::kNodeFailed:
            return "node failed";
        case JobEnd::kNone:
            break;
    }
    if (state.requeued) return "requeued";
    return state.phase == JobPhase::kRunning ? "running" : "unknown";
}

std::string own_state(const AttemptFacts& attempt) {
    if (attempt.record.ending) return to_string(*attempt.record.ending);
    if (attempt.outcome)
        return attempt.outcome->outcome == Outcome::kCompleted ? "completed" : "stopped";
    constexpr int kLargestOwnExitCode = 128;  // above: 128 + the signal that killed it
    const int code = attempt.record.exit_code.value_or(0);
    return code > 0 && code <= kLargestOwnExitCode ? "failed" : "interrupted";
}

bool differ(std::int64_t a, std::int64_t b) {
    return std::abs(a - b) * 100 > std::max(a, b);
}

/// Where the run's own records and the accounting are more than 1% apart, and why. Elapsed, as
/// sacct prints it, leaves suspended time out, which the allocation lasted through all the same.
std::optional<Disagreement> disagreement(const Charge& charge, const AttemptRecord& attempt) {
    const std::int64_t other_ms = charge.end_ms - charge.start_ms;
    if (!attempt.end_ms) return Disagreement{0, other_ms, "no own record"};
    const std::int64_t own_ms = std::max<std::int64_t>(0, *attempt.end_ms - attempt.start_ms);
    const std::int64_t elapsed_ms = other_ms - charge.suspended_ms;
    if (!differ(own_ms, other_ms)) {
        if (charge.suspended_ms > 0 && differ(own_ms, elapsed_ms))
            return Disagreement{own_ms, elapsed_ms, "suspended"};
        return std::nullopt;
    }
    if (charge.suspended_ms > 0 && !differ(own_ms, elapsed_ms))
        return Disagreement{own_ms, other_ms, "suspended"};
    // The accounting counts in whole seconds.
    const bool inside =
        attempt.start_ms >= charge.start_ms - kSecond && *attempt.end_ms <= charge.end_ms + kSecond;
    return Disagreement{own_ms, other_ms, inside ? "start-up and clean-up" : "clock"};
}

class Charges {
  public:
    Charges(const RunRecords& records, const Terms& terms, std::int64_t now_ms,
            const std::vector<QueuedJob>& queue)
        : records_(records), terms_(terms), now_ms_(now_ms), matched_(match_starts(records)) {
        for (const QueuedJob& job : queue)
            if (job.name == records.run.run_id() && job.state.phase == JobPhase::kRunning)
                running_.push_back(&job);
    }

    std::vector<Charge> make() {
        for (std::size_t i = 0; i < records_.attempts.size(); ++i) add_attempt(i);
        for (const QueuedJob* job : running_) add_starting(*job);
        for (const PastJob* start : matched_.others) add_start(*start);
        std::stable_sort(charges_.begin(), charges_.end(),
                         [](const Charge& a, const Charge& b) { return a.start_ms < b.start_ms; });
        return std::move(charges_);
    }

  private:
    Charge blank(std::int64_t job_id, const JobRecord* job) const {
        Charge charge;
        charge.run = records_.run.run_id();
        charge.recipe = terms_.recipe;
        charge.job = job_id;
        if (job == nullptr) return charge;
        charge.cluster = job->cluster;
        charge.partition = job->partition;
        charge.allocated = {job->paid_gpus, job->nodes, job->paid_cores, -1};
        if (job->paid_gpus > 0) charge.gpus_from = "request";
        return charge;
    }

    Charge of_attempt(const AttemptRecord& attempt) const {
        Charge charge = blank(attempt.slurm ? attempt.slurm->job : 0, records_.job_of(attempt));
        charge.attempt = attempt.number;
        charge.user = attempt.user;
        charge.account = attempt.account;
        charge.allocated.gpus = attempt.gpus;
        charge.gpus_from = attempt.gpus > 0 && attempt.slurm ? "request" : "";
        if (charge.allocated.cores == 0)
            charge.allocated.cores = attempt.ranks * attempt.threads_per_rank;
        charge.allocated.nodes = 1;
        charge.start_ms = attempt.start_ms;
        if (!attempt.slurm) return charge;
        charge.partition = attempt.slurm->partition;
        charge.allocated.nodes = static_cast<std::int64_t>(attempt.slurm->nodes.size());
        if (!attempt.slurm->cluster.empty()) charge.cluster = attempt.slurm->cluster;
        return charge;
    }

    /// The queue's row of a job that runs, taken out of those that are left.
    const QueuedJob* take_running(const AttemptRecord& attempt) {
        const auto found =
            std::find_if(running_.begin(), running_.end(), [&](const QueuedJob* job) {
                return attempt.slurm && attempt.slurm->job == job->id.number &&
                       attempt.slurm->restarts == job->restarts;
            });
        if (found == running_.end()) return nullptr;
        const QueuedJob* job = *found;
        running_.erase(found);
        return job;
    }

    void add_attempt(std::size_t i) {
        const AttemptFacts& attempt = records_.attempts[i];
        Charge charge = of_attempt(attempt.record);
        const PastJob* start = matched_.of_attempt[i];
        const QueuedJob* queued = take_running(attempt.record);
        bool running = false;
        if (start != nullptr) take_facts(*start, charge);
        if (start != nullptr && start->end_s) {
            take_times(*start, charge);
            charge.disagreement = disagreement(charge, attempt.record);
        } else {
            running = take_own_times(i, queued, charge);
        }
        finish(charge, &attempt.record);
        charge.pieces = pieces_of(records_, attempt, charge.start_ms, charge.end_ms, running);
        charges_.push_back(std::move(charge));
    }

    /// True when it runs.
    bool take_own_times(std::size_t i, const QueuedJob* queued, Charge& charge) const {
        const AttemptFacts& attempt = records_.attempts[i];
        const bool newest = i + 1 == records_.attempts.size();
        const bool lives = newest && !attempt.record.end_ms && records_.state == RunState::kRunning;
        if (queued != nullptr || lives) {
            charge.state = "running";
            charge.end_ms = now_ms_;
            charge.provisional = true;
            if (queued != nullptr && queued->start_s) {
                charge.start_ms = *queued->start_s * kSecond;
                charge.source = ChargeSource::kQueue;
            }
            return true;
        }
        // On another host, where nobody can be asked.
        const bool unknown =
            newest && !attempt.record.end_ms && records_.state == RunState::kUnknown;
        charge.state = unknown ? "unknown" : own_state(attempt);
        charge.provisional = !attempt.record.end_ms;
        charge.end_ms =
            attempt.record.end_ms
                ? *attempt.record.end_ms
                : inferred_end(records_, attempt,
                               newest ? now_ms_ : records_.attempts[i + 1].record.start_ms);
        return false;
    }

    /// A job that runs and has not come to an attempt yet.
    void add_starting(const QueuedJob& job) {
        if (!job.start_s) return;
        Charge charge = blank(job.id.number, records_.job_record(job.id.number));
        // The accounting's row of the same start says more, but for the end.
        std::erase_if(matched_.others, [&](const PastJob* start) {
            const bool same = start->id.number == job.id.number && start->start_s == job.start_s;
            if (same) take_facts(*start, charge);
            return same;
        });
        charge.partition = job.partition;
        charge.start_ms = *job.start_s * kSecond;
        charge.end_ms = now_ms_;
        charge.state = "running";
        charge.provisional = true;
        charge.source = ChargeSource::kQueue;
        add_overhead(std::move(charge));
    }

    void add_start(const PastJob& start) {
        Charge charge = blank(start.id.number, records_.job_record(start.id.number));
        take_facts(start, charge);
        take_times(start, charge);
        // That long it ran when the accounting was asked.
        if (!start.end_s) charge.end_ms = records_.accounting->asked_ms;
        charge.provisional = !start.end_s;
        charge.disagreement = Disagreement{0, charge.end_ms - charge.start_ms, "no own record"};
        add_overhead(std::move(charge));
    }

    void add_overhead(Charge charge) {
        finish(charge, nullptr);
        if (charge.end_ms > charge.start_ms)
            charge.pieces = {{Work::kOverhead, "", charge.start_ms, charge.end_ms}};
        charges_.push_back(std::move(charge));
    }

    /// What the accounting says of whom and what; its allocation where it tells one.
    void take_facts(const PastJob& start, Charge& charge) const {
        if (!start.user.empty()) charge.user = start.user;
        if (!start.account.empty()) charge.account = start.account;
        if (!start.partition.empty()) charge.partition = start.partition;
        if (!start.id.cluster.empty()) charge.cluster = start.id.cluster;
        if (start.allocated.empty()) return;
        ParsedTres parsed;
        try {
            parsed = parse_tres(start.allocated);
        } catch (const std::invalid_argument& error) {
            throw Error(ExitCode::kRunFailed, "'" + records_.run.accounting().string() +
                                                  "': the allocation of job " +
                                                  to_string(start.id) + ": " + error.what());
        }
        const std::int64_t requested = charge.allocated.gpus;
        charge.allocated = parsed.allocated;
        charge.gpu_type = parsed.gpu_type;
        charge.refused = parsed.refused;
        if (!charge.refused.empty()) charge.allocated = {};
        // A site that does not track gres/gpu tells none.
        const bool told = charge.allocated.gpus > 0 || !charge.refused.empty();
        if (told) charge.gpus_from.clear();
        if (!told) charge.allocated.gpus = requested;
    }

    void take_times(const PastJob& start, Charge& charge) const {
        charge.state = state_text(start.state);
        charge.source = ChargeSource::kAccounting;
        charge.start_ms = *start.start_s * kSecond;
        charge.end_ms = std::max(start.start_s.value(), start.end_s.value_or(0)) * kSecond;
        charge.suspended_ms = std::clamp<std::int64_t>(start.suspended_s * kSecond, 0,
                                                       charge.end_ms - charge.start_ms);
    }

    void finish(Charge& charge, const AttemptRecord* attempt) const {
        charge.end_ms = std::max(charge.start_ms, charge.end_ms);
        if (charge.allocated.gpus > 0) name_gpus(charge, attempt);
        charge.rates = rates_of(terms_.prices, charge.partition, charge.gpu_type);
    }

    void name_gpus(Charge& charge, const AttemptRecord* attempt) const {
        if (charge.gpus_from.empty() && !charge.gpu_type.empty()) return;
        const JobRecord* job = records_.job_record(charge.job);
        const NodeInventory inventory =
            attempt != nullptr ? inventory_of(records_.run, *attempt) : NodeInventory{};
        // Whole nodes have more GPUs than the steps of a job may be shown.
        if (charge.gpus_from == "request" && inventory.gpus.value_or(0) >= charge.allocated.gpus) {
            charge.allocated.gpus = *inventory.gpus;
            charge.gpus_from = "prologue";
        }
        if (!charge.gpu_type.empty()) return;
        std::vector<std::string> known;
        if (job != nullptr) known.push_back(job->gpu_type);
        for (const PriceRow& row : terms_.prices.prices) known.push_back(row.gpu_type);
        charge.gpu_type = gpu_types_of(inventory.names, known);
        if (charge.gpu_type.empty() && job != nullptr) charge.gpu_type = job->gpu_type;
    }

    const RunRecords& records_;
    const Terms& terms_;
    std::int64_t now_ms_;
    Matched matched_;
    std::vector<const QueuedJob*> running_;
    std::vector<Charge> charges_;
};

}  // namespace

Terms terms_of(const RunDirectory& run) {
    Recipe recipe = load_recipe(run.recipe());
    return {recipe.name, std::move(recipe.cost)};
}

std::vector<Charge> run_charges(const RunRecords& records, const Terms& terms, std::int64_t now_ms,
                                const std::vector<QueuedJob>& queue) {
    return Charges(records, terms, now_ms, queue).make();
}

}  // namespace r1
