// SPDX-License-Identifier: Apache-2.0
#include "slurm/epilogue.h"

#include <algorithm>

#include "common/error.h"
#include "slurm/dead_rank.h"

namespace r1 {

namespace {

constexpr std::size_t kBadNodeMemory = 3;  ///< attempts after which a bad node is tried again
constexpr std::int64_t kNearLimitMs = 180'000;

/// What a rank found wrong itself. An error of a library may be another rank's end seen from here.
bool is_of_its_own(const RankError& error) {
    return error.hung || error.exit_code != static_cast<int>(ExitCode::kLibrary);
}

bool exited_by_itself(const DeadRank& rank) {
    return rank.how.starts_with("Exited with exit code");
}

/// Before a rank listens, the signal that asks it to save ends it.
bool was_asked_to_stop(const DeadRank& rank) {
    return rank.how.starts_with("User defined signal") || rank.how.starts_with("Terminated");
}

EndFinding of_outcome(const EndFacts& facts) {
    const OutcomeRecord& outcome = *facts.outcome;
    const std::string saved = "saved step " + std::to_string(outcome.step);
    if (outcome.outcome == Outcome::kCompleted) return {Ending::kCompleted, "", {}, 0};
    if (facts.cancelled) return {Ending::kCancelled, saved + " and stopped, as asked", {}, 0};
    if (outcome.reason == StopReason::kNextJob)
        return {Ending::kNextJob, saved + "; the next stage is another job's", {}, 0};
    if (outcome.reason == StopReason::kBudget)
        return {Ending::kBudget,
                saved + " and stopped: the run's budget is used up",
                {},
                static_cast<int>(ExitCode::kBudget)};
    const bool limit =
        outcome.reason == StopReason::kDeadline || (facts.left_ms && *facts.left_ms < kNearLimitMs);
    if (limit) return {Ending::kTimeLimit, saved + " before the time limit", {}, 0};
    return {Ending::kPreempted, saved + " on a signal", {}, 0};
}

EndFinding of_errors(const EndFacts& facts) {
    const auto hung = std::find_if(facts.errors.begin(), facts.errors.end(),
                                   [](const RankError& error) { return error.hung; });
    const bool found = hung != facts.errors.end();
    const RankError& error = found ? *hung : facts.errors.front();
    EndFinding finding;
    finding.ending = found ? Ending::kHung : Ending::kRankFailed;
    finding.detail = "rank " + std::to_string(error.rank) + " on " + error.host + ": " +
                     error.message.substr(0, error.message.find('\n'));
    if (found) finding.bad_nodes = {error.host};
    finding.exit_code = error.exit_code > 0 ? error.exit_code : 1;
    return finding;
}

EndFinding of_dead_rank(const DeadRank& rank, int status) {
    EndFinding finding;
    finding.ending = Ending::kRankKilled;
    finding.detail = "rank " + rank.rank + " on " + rank.node + " ended: " + rank.how;
    // Ranks that died on several nodes at once did not die of one node.
    if (rank.node.find_first_of("[,") == std::string::npos) finding.bad_nodes = {rank.node};
    finding.exit_code = status > 0 ? status : 1;
    return finding;
}

EndFinding of_unfit_nodes(const EndFacts& facts) {
    EndFinding finding;
    finding.ending = Ending::kRankFailed;
    for (const auto& [node, why] : facts.unfit_nodes) {
        finding.bad_nodes.push_back(node);
        finding.detail += (finding.detail.empty() ? "" : "; ") + node + ": " + why;
    }
    return finding;
}

/// The ranks left no word, and nobody says which of them was first.
EndFinding of_silence(const EndFacts& facts, bool asked) {
    EndFinding finding;
    finding.exit_code = facts.status > 0 ? facts.status : 1;
    if (facts.cancelled)
        return {Ending::kCancelled, "ended before it could save, as asked", {}, finding.exit_code};
    if (facts.left_ms && *facts.left_ms < kNearLimitMs / 3) {
        finding.ending = Ending::kTimeLimit;
        finding.detail = "cut off by the time limit before it could save";
    } else if (asked) {
        finding.ending = Ending::kPreempted;
        finding.detail = "ended by a signal before it could save";
    } else {
        finding.ending = Ending::kRankKilled;
        finding.detail = "the ranks ended with exit code " + std::to_string(facts.status) +
                         " and without saying why";
    }
    return finding;
}

/// How many of the newest attempts in a row saved nothing new.
std::int64_t idle_attempts(const std::vector<AttemptRecord>& attempts) {
    std::int64_t count = 0;
    for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt, ++count)
        if (attempt->end_step.value_or(0) > attempt->start_step) break;
    return count;
}

/// Why the run is given up, or an empty text.
std::string reason_to_give_up(const std::vector<AttemptRecord>& attempts,
                              const ResourcesSection& resources) {
    const AttemptRecord& last = attempts.back();
    const int code = last.exit_code.value_or(0);
    const bool certain = code == static_cast<int>(ExitCode::kUsage) ||
                         code == static_cast<int>(ExitCode::kCheckpoint);
    if (last.ending == Ending::kRankFailed && certain) return "it would fail in the same way again";
    if (resources.max_attempts > 0 &&
        static_cast<std::int64_t>(attempts.size()) >= resources.max_attempts)
        return "it has had its resources.max_attempts, " + std::to_string(resources.max_attempts);
    const std::int64_t idle = idle_attempts(attempts);
    if (idle >= resources.attempts_without_progress)
        return std::to_string(idle) +
               " attempts in a row saved nothing new (resources.attempts_without_progress)";
    return "";
}

/// Nodes on which ranks of the last attempts died.
std::vector<std::string> bad_nodes(const std::vector<AttemptRecord>& attempts) {
    std::vector<std::string> nodes;
    const std::size_t first =
        attempts.size() > kBadNodeMemory ? attempts.size() - kBadNodeMemory : 0;
    for (std::size_t i = first; i < attempts.size(); ++i)
        for (const std::string& node : attempts[i].bad_nodes)
            if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(node);
    return nodes;
}

}  // namespace

EndFinding find_ending(const EndFacts& facts) {
    if (facts.outcome && facts.outcome->outcome == Outcome::kCompleted) return of_outcome(facts);
    if (facts.superseded)
        return {Ending::kSuperseded, "a newer attempt of the run has begun", {}, 1};
    if (facts.outcome) return of_outcome(facts);
    if (!facts.unfit_nodes.empty()) return of_unfit_nodes(facts);
    const std::optional<DeadRank> dead = first_dead_rank(facts.log);
    const bool told = std::any_of(facts.errors.begin(), facts.errors.end(), is_of_its_own);
    const bool asked = facts.signalled || facts.cancelled || (dead && was_asked_to_stop(*dead));
    // The others of a killed rank often fail in MPI: what killed the first is the cause. The others
    // of a rank that failed are killed, and srun may tell of them first.
    if (dead && !exited_by_itself(*dead) && !told)
        return asked ? of_silence(facts, asked) : of_dead_rank(*dead, facts.status);
    if (!facts.errors.empty()) return of_errors(facts);
    return of_silence(facts, asked);
}

NextStep decide_next(const std::vector<AttemptRecord>& attempts, const ResourcesSection& resources,
                     const ClusterProfile& profile, std::int64_t spare_nodes) {
    NextStep next;
    const Ending ending = attempts.back().ending.value_or(Ending::kLost);
    if (ending == Ending::kCompleted || ending == Ending::kCancelled ||
        ending == Ending::kNextJob || ending == Ending::kSuperseded || ending == Ending::kBudget)
        return next;
    next.why = reason_to_give_up(attempts, resources);
    if (!next.why.empty()) return next;
    const std::vector<std::string> bad = bad_nodes(attempts);
    // A queued job takes no new list of nodes to leave out on every site; another job does.
    const bool leave_out = profile.exclude_bad_nodes && !bad.empty() &&
                           static_cast<std::int64_t>(bad.size()) <= spare_nodes;
    if (leave_out) next.excluded = bad;
    next.goes_on = profile.requeue && !leave_out ? GoesOn::kRequeued : GoesOn::kFollowUp;
    return next;
}

}  // namespace r1
