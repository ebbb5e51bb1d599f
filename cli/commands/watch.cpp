// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/watch.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/commands/wait.h"
#include "cli/history.h"
#include "cli/news.h"
#include "cli/output/progress.h"
#include "cli/runs_folder.h"
#include "cli/spent.h"
#include "cli/stop_signals.h"
#include "cli/story.h"
#include "common/text.h"
#include "common/time.h"
#include "slurm/billing/ledger.h"

namespace r1::cli {

namespace {

/// What the run has used and cost. All attempts and their times are read, so not for every step.
class Spending {
  public:
    explicit Spending(const RunDirectory& run) : run_(run) {}

    /// The job that runs is not known from the records alone.
    void see(const std::optional<QueuedJob>& job) {
        queue_.clear();
        if (job) queue_.push_back(*job);
    }

    std::string text() {
        const double now = monotonic_seconds();
        if (text_.empty() || now - at_ > kSeconds) {
            try {
                text_ = spent_text(bill_of(charges_of(run_, utc_milliseconds(), queue_)));
            } catch (const std::exception&) {
                text_ = "cost unknown";  // a damaged record is for status to show
            }
            at_ = now;
        }
        return text_;
    }

  private:
    static constexpr double kSeconds = 10;
    const RunDirectory& run_;
    std::vector<QueuedJob> queue_;
    std::string text_;
    double at_ = 0;
};

/// How far the run is already: its newest step, as if it had just been done.
void show_where_it_is(const RunDirectory& run, Spending& spending, Progress& progress) {
    const Glance glance = glance_at(run);
    if (glance.last) progress.step(*glance.last, spending.text());
}

}  // namespace

void add_watch(CLI::App& app, Context& context) {
    auto options = std::make_shared<WatchOptions>();
    CLI::App* command =
        app.add_subcommand("watch", "Follow a run live: the queue, then its progress");
    command->add_option("run", options->run, "Run id, the start of one, or a path")->required();
    add_runs_option(*command, options->runs);
    command->footer(
        "Ctrl-C only leaves; the run goes on. Exit code 0 when the run is completed, 1 when it\n"
        "failed, was stopped or interrupted.");
    command->callback([options, &context] { context.exit_code = run_watch(*options, context); });
}

int run_watch(const WatchOptions& options, Context& context) {
    const RunDirectory run = find_run(options.runs, options.run);
    Lookout lookout({run}, context, options.times);
    Progress progress(context.err, context.terminal, false);
    News news(run, progress);
    news.skip_what_is_there();
    Spending spending(run);
    RunStory story;
    const StopSignals signals;
    bool running = false;
    while (true) {
        const RunView& view = lookout.look().front();  // before the news: all of them are shown
        const bool ended = has_ended(view);
        spending.see(view.queued);
        for (const std::string& line : story.changes(view, utc_milliseconds() / 1000))
            progress.note(printable(line));
        if (view.state == RunState::kRunning && !running) show_where_it_is(run, spending, progress);
        running = view.state == RunState::kRunning;
        news.show([&] { return spending.text(); });
        if (ended) {
            progress.finish();
            context.out << run.run_id() << ": " << end_text(view) << "\nnext: " << next_for(view)
                        << '\n';
            return exit_code_of(view);
        }
        if (signals.count() > 0) {
            progress.finish();
            context.err << "the run goes on\n";
            context.out << "next: " << next_for(view) << '\n';
            return 0;
        }
        lookout.rest([&] { return signals.count() > 0; });
    }
}

}  // namespace r1::cli
