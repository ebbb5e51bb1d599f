// SPDX-License-Identifier: Apache-2.0
#include "cli/supervisor.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "checkpoint/attempt.h"
#include "cli/budgets.h"
#include "cli/news.h"
#include "cli/output/progress.h"
#include "cli/report.h"
#include "cli/runs_folder.h"
#include "cli/spent.h"
#include "cli/stop_signals.h"
#include "common/error.h"
#include "common/file.h"
#include "common/time.h"
#include "slurm/billing/ledger.h"
#include "slurm/launcher.h"

namespace r1::cli {

namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(50);

class Supervisor {
  public:
    Supervisor(const RunDirectory& run, const Recipe& recipe, const SuperviseOptions& options,
               Context& context)
        : run_(run),
          recipe_(recipe),
          options_(options),
          context_(context),
          progress_(context.err, context.terminal, options.quiet),
          news_(run, progress_) {}

    int run_attempt() {
        lock();
        news_.skip_what_is_there();  // of earlier attempts
        begin();
        take_bill();
        AttemptEnd end;
        end.attempt = record_.number;
        end.process = follow();
        end.killed_on_request = killed_;
        progress_.finish();
        // However mpirun took the signal, it was killed.
        finish(killed_ ? 128 + SIGKILL : end.process.shell_code());
        return report_attempt(run_, end, context_);
    }

  private:
    /// Two launchers never supervise one run, not even in the moment before attempt.json exists.
    void lock() {
        lock_ = open_file(run_.root(), O_RDONLY | O_DIRECTORY);
        if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
        throw Error(ExitCode::kRunFailed, "another r1ctl is just starting " + run_.run_id() +
                                              "\n  see: " + next_command("logs -f", run_));
    }

    void begin() {
        const auto launcher = make_local_launcher();
        record_ = describe_launcher(::getpid());
        record_.launcher = launcher->name();
        record_.ranks = recipe_.resources.ranks;
        record_.threads_per_rank = recipe_.resources.threads_per_rank;
        record_.gpus = recipe_.resources.device == DeviceKind::kCuda ? record_.ranks : 0;
        record_.start_ms = utc_milliseconds();
        set_budget_end(run_, recipe_.cost, local_allocation(recipe_), record_);
        record_.number = run_.begin_attempt();
        write_attempt(run_, record_);
        try {
            launch_ = launcher->launch({options_.rank_program,
                                        {"train", "--run", run_.root().string(), "--attempt",
                                         std::to_string(record_.number)},
                                        record_.ranks,
                                        record_.threads_per_rank,
                                        run_.attempt_log(record_.number)});
        } catch (const Error& e) {
            finish(static_cast<int>(e.code()));
            throw;
        }
    }

    ProcessEnd follow() {
        while (true) {
            const std::optional<ProcessEnd> end = launch_->poll();
            show_news();
            if (end) return *end;
            answer_signals();
            std::this_thread::sleep_for(kLookEvery);
        }
    }

    void show_news() {
        if (!ranks_up_) note_ranks();
        news_.show([this] { return spent(); });
    }

    /// With `device: auto` only the ranks know whether they took GPUs.
    void note_ranks() {
        const std::vector<RankPlace> ranks = read_ranks(run_, record_.number);
        ranks_up_ = !ranks.empty();
        const auto gpus = std::count_if(ranks.begin(), ranks.end(), [](const RankPlace& place) {
            return !place.device.starts_with("cpu");
        });
        if (!ranks_up_ || gpus == record_.gpus) return;
        record_.gpus = gpus;
        write_attempt(run_, record_);
    }

    void answer_signals() {
        const int signals = signals_.count();
        if (signals >= 1 && !stop_noted_) {
            stop_noted_ = true;
            progress_.note(
                "stopping: the ranks save at the next step boundary; again to stop at once and "
                "lose the steps since the newest checkpoint");
        }
        if (stop_noted_ && ranks_up_ && !stop_sent_) {
            stop_sent_ = true;
            launch_->request_stop();
        }
        if (signals >= 2 && !killed_) {
            killed_ = true;
            progress_.note("stopping at once");
            launch_->kill();
        }
    }

    /// "0.02 core-hours, 0.01 USD" over all attempts, up to now.
    std::string spent() {
        own_.end_ms = std::max(own_.start_ms, utc_milliseconds());
        own_.allocated.gpus = record_.gpus;
        Bill bill = before_;
        bill += bill_of(own_);
        return spent_text(bill);
    }

    /// The records of earlier attempts are read once, not for every step.
    void take_bill() {
        for (const Charge& charge : charges_of(run_, utc_milliseconds())) {
            if (charge.attempt == record_.number)
                own_ = charge;
            else
                before_ += bill_of(charge);
        }
        own_.pieces.clear();
    }

    void finish(int exit_code) {
        record_.end_ms = utc_milliseconds();
        record_.exit_code = exit_code;
        write_attempt(run_, record_);
    }

    const RunDirectory& run_;
    const Recipe& recipe_;
    const SuperviseOptions& options_;
    Context& context_;
    Progress progress_;
    News news_;
    StopSignals signals_;
    FileDescriptor lock_;
    AttemptRecord record_;
    Bill before_;  ///< of earlier attempts
    Charge own_;   ///< of this one
    std::unique_ptr<Launch> launch_;
    bool ranks_up_ = false;
    bool stop_noted_ = false;
    bool stop_sent_ = false;
    bool killed_ = false;
};

}  // namespace

int supervise(const RunDirectory& run, const Recipe& recipe, const SuperviseOptions& options,
              Context& context) {
    return Supervisor(run, recipe, options, context).run_attempt();
}

}  // namespace r1::cli
