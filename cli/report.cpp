// SPDX-License-Identifier: Apache-2.0
#include "cli/report.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "checkpoint/checkpoint.h"
#include "cli/failure.h"
#include "cli/history.h"
#include "cli/output/numbers.h"
#include "cli/output/table.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "recipes/load.h"
#include "slurm/billing/bill.h"
#include "slurm/billing/ledger.h"

namespace r1::cli {

namespace {

/// Everything that the summary and the printed report show.
struct Facts {
    RunState state = RunState::kUnknown;
    History history;
    Bill bill;
    std::int64_t step = 0;
    std::int64_t total_steps = 0;
    std::optional<std::int64_t> checkpoint;  ///< step of the newest
    bool over_budget = false;                ///< the budget is why the attempt stopped
};

Facts gather(const RunDirectory& run, int attempt) {
    Facts facts;
    facts.state = state_of(run);
    facts.history = read_history(run);
    facts.bill = bill_so_far(run);
    if (facts.history.last) {
        facts.step = facts.history.last->step;
        facts.total_steps = facts.history.last->total_steps;
    }
    const auto outcome = read_outcome(run, attempt);
    if (outcome) facts.step = outcome->step;
    facts.over_budget = outcome && outcome->reason == StopReason::kBudget;
    const auto checkpoints = list_checkpoints(run.checkpoints());
    if (!checkpoints.empty()) facts.checkpoint = checkpoints.back();
    return facts;
}

/// Before training and after each stage; what was evaluated in between is left out.
std::vector<Evaluation> milestones(const Facts& facts) {
    std::vector<Evaluation> chosen = facts.history.evaluations;
    std::erase_if(chosen, [](const Evaluation& e) { return e.when == "interval"; });
    return chosen;
}

std::filesystem::path checkpoint_path(const RunDirectory& run, std::int64_t step) {
    return run.checkpoints() / checkpoint_name(step);
}

void write_summary(const RunDirectory& run, int attempt, const Facts& facts) {
    Json evaluations = Json::array();
    for (const Evaluation& evaluation : milestones(facts))
        evaluations.push_back(to_json(evaluation));
    write_record(run.summary(),
                 Json{{"schema", 1},
                      {"run_id", run.run_id()},
                      {"state", to_string(facts.state)},
                      {"step", facts.step},
                      {"total_steps", facts.total_steps},
                      {"attempt", attempt},
                      {"attempts", facts.bill.attempts},
                      {"tokens", facts.history.tokens},
                      {"newest_checkpoint",
                       facts.checkpoint ? Json(checkpoint_name(*facts.checkpoint)) : Json(nullptr)},
                      {"usage", bill_json(facts.bill)},
                      {"evaluations", evaluations}});
}

void print_evaluations(const std::vector<Evaluation>& evaluations, std::ostream& out) {
    if (evaluations.empty()) return;
    using enum Table::Align;
    Table table({{"held-out prompts"},
                 {"step", kRight},
                 {"pass@1", kRight},
                 {"95% interval", kRight},
                 {"pass@" + std::to_string(evaluations.front().k), kRight},
                 {"prompts", kRight}});
    for (const Evaluation& e : evaluations)
        table.add({e.when == "start" ? "before training" : "after " + e.stage,
                   std::to_string(e.step), fixed(e.pass_1, 3),
                   fixed(e.low, 3) + " to " + fixed(e.high, 3), fixed(e.pass_k, 3),
                   std::to_string(e.prompts) + " x " + std::to_string(e.samples)});
    table.print(out);
}

void print_next(const RunDirectory& run, const Facts& facts, std::ostream& out) {
    if (facts.state == RunState::kCompleted)
        out << "next: " << next_command("eval", run) << "\n      " << next_command("sample", run)
            << " PROMPT\n      " << next_command("checkpoint list", run) << '\n';
    else if (facts.state == RunState::kQueued)
        out << "next: " << next_command("watch", run) << '\n';
    else
        out << "next: " << next_command("resume", run) << "\n      " << next_command("logs", run)
            << '\n';
}

void print_report(const RunDirectory& run, const Facts& facts, std::ostream& out) {
    out << "run: " << run.run_id() << "\nstate: " << to_string(facts.state) << " at step "
        << facts.step;
    if (facts.total_steps > 0) out << " of " << facts.total_steps;
    out << ", " << short_count(static_cast<double>(facts.history.tokens)) << " tokens\n";
    print_evaluations(milestones(facts), out);
    out << "newest checkpoint: "
        << (facts.checkpoint ? checkpoint_path(run, *facts.checkpoint).string() : "none") << '\n'
        << bill_text(facts.bill) << '\n';
    print_next(run, facts, out);
    out.flush();
}

std::string where_it_stands(const RunDirectory& run, const Facts& facts) {
    const std::string saved =
        facts.checkpoint ? "the newest checkpoint is of step " + std::to_string(*facts.checkpoint)
                         : std::string("there is no checkpoint yet");
    return "\n  at:   step " + std::to_string(facts.step) + "; " + saved +
           "\n  next: " + next_command("resume", run);
}

int explain_end(const RunDirectory& run, const AttemptEnd& end, const Facts& facts,
                std::ostream& err) {
    if (facts.state == RunState::kCompleted || facts.state == RunState::kQueued) return 0;
    if (facts.state == RunState::kStopped && facts.over_budget) {
        const CostSection cost = load_recipe(run.recipe()).cost;
        err << "r1ctl: the run's budget of " << (cost.budget ? to_string(*cost.budget) : "") << ' '
            << cost.currency << " is used up: saved step " << facts.step
            << " and stopped; go on with: " << next_command("resume", run) << " --budget AMOUNT\n";
        return static_cast<int>(ExitCode::kBudget);
    }
    if (facts.state == RunState::kStopped) {
        err << "stopped after saving step " << facts.step
            << "; go on with: " << next_command("resume", run) << '\n';
        return 0;
    }
    if (end.killed_on_request) {
        err << "r1ctl: stopped at once, as asked" << where_it_stands(run, facts) << '\n';
        return 1;
    }
    const Failure failure = explain_failure(run, end.attempt, end.process);
    err << "r1ctl: " << failure.message << "\n  log:  " << run.attempt_log(end.attempt).string()
        << where_it_stands(run, facts) << '\n';
    return failure.exit_code;
}

}  // namespace

int report_attempt(const RunDirectory& run, const AttemptEnd& end, Context& context) {
    const Facts facts = gather(run, end.attempt);
    write_summary(run, end.attempt, facts);
    print_report(run, facts, context.out);
    const int exit_code = explain_end(run, end, facts, context.err);
    // After the log's last words have told why the attempt failed.
    std::ofstream log(run.attempt_log(end.attempt), std::ios::app);
    if (!(log << bill_text(facts.bill) << std::endl))
        context.err << "the bill could not be added to '" << run.attempt_log(end.attempt).string()
                    << "'\n";
    return exit_code;
}

}  // namespace r1::cli
