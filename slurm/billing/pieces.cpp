// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/pieces.h"

#include <algorithm>
#include <optional>
#include <string>

namespace r1 {

namespace {

/// Lays pieces end to end. Times come from clocks of several hosts: none goes back, and none leaves
/// the charge.
class Tiles {
  public:
    Tiles(std::int64_t start_ms, std::int64_t end_ms) : at_(start_ms), end_(end_ms) {}

    void until(std::int64_t time_ms, Work work, const std::string& stage) {
        const std::int64_t to = std::clamp(time_ms, at_, end_);
        if (to == at_) return;
        const bool same =
            !pieces_.empty() && pieces_.back().work == work && pieces_.back().stage == stage;
        if (same)
            pieces_.back().end_ms = to;
        else
            pieces_.push_back({work, stage, at_, to});
        at_ = to;
    }
    void rest(Work work, const std::string& stage) { until(end_, work, stage); }
    std::vector<Piece> take() { return std::move(pieces_); }

  private:
    std::int64_t at_;
    std::int64_t end_;
    std::vector<Piece> pieces_;
};

/// When its first step began; nullopt when nothing tells that one did.
std::optional<std::int64_t> first_step_begin(const AttemptFacts& attempt) {
    if (!attempt.lines.empty()) return attempt.lines.front().begin_ms;
    if (attempt.beginning) return attempt.beginning->up_ms;
    return std::nullopt;
}

/// How far its work was kept, and what the time after it is.
struct KeptPoint {
    std::int64_t time_ms = 0;
    Work after = Work::kLost;
};

KeptPoint kept_point(const AttemptFacts& attempt, std::int64_t begin_ms) {
    const auto& outcome = attempt.outcome;
    if (outcome && attempt.kept_step >= outcome->step) return {outcome->end_ms, Work::kOverhead};
    std::int64_t kept = begin_ms;
    for (const StepLine& line : attempt.lines)
        if (line.step <= attempt.kept_step) kept = std::max(kept, line.end_ms);
    return {kept, Work::kLost};
}

std::string stage_after(const RunRecords& records, const AttemptFacts& attempt) {
    // Of the step that was lost, by the line of whoever did it again.
    const auto next = records.stage_of.find(attempt.kept_step + 1);
    if (next != records.stage_of.end()) return next->second;
    const auto kept = records.stage_of.find(attempt.kept_step);
    return kept != records.stage_of.end() ? kept->second : "";
}

/// Work of each stage up to `until_ms`. A stage begins with its first step: what lies between two
/// stages, as the evaluation at the end of one, belongs to the earlier.
void lay_stages(const std::vector<StepLine>& lines, std::int64_t until_ms, Work work,
                Tiles& tiles) {
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
        if (lines[i].stage != lines[i + 1].stage)
            tiles.until(std::min(lines[i + 1].begin_ms, until_ms), work, lines[i].stage);
    if (!lines.empty()) tiles.until(until_ms, work, lines.back().stage);
}

}  // namespace

std::vector<Piece> pieces_of(const RunRecords& records, const AttemptFacts& attempt,
                             std::int64_t start_ms, std::int64_t end_ms, bool running) {
    Tiles tiles(start_ms, end_ms);
    const std::optional<std::int64_t> begin = first_step_begin(attempt);
    if (!begin) {
        tiles.rest(Work::kOverhead, "");
        return tiles.take();
    }
    tiles.until(*begin, Work::kOverhead, "");
    const std::vector<StepLine>& lines = attempt.lines;
    const KeptPoint kept = running ? KeptPoint{end_ms, Work::kUseful} : kept_point(attempt, *begin);
    std::vector<StepLine> before;
    std::vector<StepLine> behind;
    for (const StepLine& line : lines)
        (line.end_ms <= kept.time_ms ? before : behind).push_back(line);
    lay_stages(before, kept.time_ms, Work::kUseful, tiles);
    // Ranks that stopped before their first step did no work.
    if (before.empty()) tiles.until(kept.time_ms, running ? Work::kUseful : Work::kOverhead, "");
    lay_stages(behind, end_ms, kept.after, tiles);
    tiles.rest(kept.after, kept.after == Work::kOverhead && !before.empty()
                               ? before.back().stage
                               : stage_after(records, attempt));
    return tiles.take();
}

}  // namespace r1
