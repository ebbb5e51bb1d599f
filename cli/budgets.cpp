// SPDX-License-Identifier: Apache-2.0
#include "cli/budgets.h"

#include <algorithm>
#include <ostream>

#include "checkpoint/job.h"
#include "cli/charged_runs.h"
#include "common/error.h"
#include "common/host.h"
#include "common/time.h"
#include "recipes/load.h"
#include "slurm/billing/budget.h"
#include "slurm/billing/calendar.h"
#include "slurm/billing/index.h"
#include "slurm/billing/index_files.h"
#include "slurm/billing/ledger.h"
#include "slurm/billing/upper_bound.h"

namespace r1::cli {

namespace {

Money amount_in(const Bill& bill, const std::string& currency) {
    const auto found = bill.cost.find(currency);
    return found != bill.cost.end() ? found->second : Money{};
}

/// What a job that runs or waits may come to from now on.
struct Commitment {
    Bill bill;
    std::string account;
};

class Budgets {
  public:
    Budgets(const Submission& submission, const std::vector<JobPlan>& plans, Scheduler& scheduler,
            Context& context)
        : submission_(submission),
          runs_(submission.run.root().parent_path()),
          scheduler_(scheduler),
          context_(context) {
        for (const JobPlan& plan : plans)
            wanted_ += upper_bound(plan, submission.recipe.cost, now_);
        check_own(plans);
        for (const BudgetRow& row : submission.profile.budgets)
            if (counts(row)) check_row(row);
    }

    void refuse() const {
        if (exceeded_.empty()) return;
        throw Error(ExitCode::kBudget,
                    "nothing was queued: it could cost more than is left\n" + exceeded_ +
                        "  next: a shorter resources.time_limit, fewer ranks, or a larger budget");
    }

  private:
    void check_own(const std::vector<JobPlan>& plans) {
        const CostSection& prices = submission_.recipe.cost;
        if (!prices.budget) return;
        const bool begun = submission_.run.newest_attempt() > 0;
        const Bill so_far = begun ? bill_so_far(submission_.run) : Bill{};
        for (const JobPlan& plan : plans)  // refuses what cannot be compared
            budget_end(prices, so_far, rates_of(prices, plan.partition, plan.gpu_type),
                       {plan.paid_gpus, plan.nodes, plan.paid_cores, -1}, now_);
        judge({"cost.budget", prices.currency, Money::of(*prices.budget),
               amount_in(so_far, prices.currency), Money{}, amount_in(wanted_, prices.currency)});
    }

    bool counts(const BudgetRow& row) const {
        return (row.user.empty() || row.user == user_name()) &&
               (row.account.empty() || row.account == submission_.profile.account);
    }

    void check_row(const BudgetRow& row) {
        const std::string name = "budget " + row.name + " of cluster " + submission_.profile.name;
        const std::string currency =
            row.currency.empty() ? submission_.profile.currency : row.currency;
        const bool priced = wanted_.cost.count(currency) > 0;
        if (wanted_.unpriced || !priced)
            context_.err << "note: " << name << " does not count "
                         << (priced ? "all of this run" : "this run") << ": its price is "
                         << (wanted_.unpriced ? "not known" : "in another currency") << '\n';
        Money committed;
        for (const Commitment& commitment : commitments())
            if (row.account.empty() || row.account == commitment.account)
                committed += amount_in(commitment.bill, currency);
        judge({name, currency, Money::of(*row.amount), amount_in(spent(row), currency), committed,
               amount_in(wanted_, currency)});
    }

    void judge(const BudgetCheck& check) {
        if (check.exceeded())
            exceeded_ += "  " + budget_text(check) + "\n";
        else if (check.is_near())
            context_.err << "warning: 80% is reached: " << budget_text(check) << '\n';
    }

    Bill spent(const BudgetRow& row) {
        CostQuestion question;
        question.by = CostKey::kUser;
        question.user = row.user;
        question.account = row.account;
        if (row.period == BudgetPeriod::kMonth) question.since_ms = begin_of(month_at(now_));
        std::vector<std::string> problems;
        const auto note = [this](const std::string& line) {
            context_.err << "note: " << line << '\n';
        };
        const CostAnswer answer =
            CostIndex({state_folder()}, note)
                .answer(list_runs(runs_), question, [&](const std::vector<RunDirectory>& runs) {
                    return read_runs(runs, context_, problems);
                });
        for (const std::string& problem : problems) note(problem);
        return answer.total.bill;
    }

    /// Jobs of runs in other folders are not seen.
    const std::vector<Commitment>& commitments() {
        if (asked_) return commitments_;
        asked_ = true;
        for (const QueuedJob& job : scheduler_.queue()) {
            const RunDirectory run(runs_ / job.name);
            std::error_code ignored;
            const bool alive =
                job.state.phase == JobPhase::kWaiting || job.state.phase == JobPhase::kRunning;
            if (!alive || job.name.find('/') != std::string::npos ||
                !std::filesystem::exists(run.jobs(), ignored))
                continue;
            try {
                for (const JobRecord& record : read_jobs(run))
                    if (record.job == job.id.number) commit(run, record, job);
            } catch (const Error& error) {
                context_.err << "note: job " << to_string(job.id) << " of " << job.name
                             << " is in no budget: " << error.what() << '\n';
            }
        }
        return commitments_;
    }

    void commit(const RunDirectory& run, const JobRecord& record, const QueuedJob& job) {
        JobPlan plan = plan_of(record);
        if (job.state.phase == JobPhase::kRunning && job.left_s) plan.time_limit_s = *job.left_s;
        commitments_.push_back({upper_bound(plan, load_recipe(run.recipe()).cost, now_),
                                load_profiles({run.cluster()}).front().account});
    }

    const Submission& submission_;
    std::filesystem::path runs_;
    Scheduler& scheduler_;
    Context& context_;
    std::int64_t now_ = utc_milliseconds();
    Bill wanted_;
    bool asked_ = false;
    std::vector<Commitment> commitments_;
    std::string exceeded_;
};

}  // namespace

Allocation local_allocation(const Recipe& recipe) {
    const ResourcesSection& resources = recipe.resources;
    const bool gpus = resources.device == DeviceKind::kCuda;
    return {gpus ? resources.ranks : 0, 1, resources.ranks * resources.threads_per_rank, -1};
}

void set_budget_end(const RunDirectory& run, const CostSection& prices, const Allocation& allocated,
                    AttemptRecord& attempt) {
    if (!prices.budget) return;
    std::string gpu_type;
    const std::string partition = attempt.slurm ? attempt.slurm->partition : "";
    if (const auto job = read_job(run, attempt.job)) gpu_type = job->gpu_type;
    const Bill so_far = run.newest_attempt() > 0 ? bill_so_far(run) : Bill{};
    const auto end = budget_end(prices, so_far, rates_of(prices, partition, gpu_type), allocated,
                                attempt.start_ms);
    attempt.budget_end_ms = end->end_ms;
    attempt.budget_warning_ms = end->warning_ms;
}

void refuse_over_budget(const Submission& submission, const std::vector<JobPlan>& plans,
                        Scheduler& scheduler, Context& context) {
    Budgets(submission, plans, scheduler, context).refuse();
}

}  // namespace r1::cli
