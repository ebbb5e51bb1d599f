// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/cancel.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/cancelling.h"
#include "cli/commands/wait.h"
#include "cli/lookout.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/text.h"
#include "common/units.h"

namespace r1::cli {

namespace {

CancelWishes wishes_of(const CancelOptions& options) {
    CancelWishes wishes{options.now, !options.no_wait, 0, options.files_s, options.ask_s};
    try {
        wishes.grace_s = static_cast<double>(parse_duration(options.grace).seconds);
    } catch (const std::invalid_argument& e) {
        throw Error(ExitCode::kUsage, "--grace " + printable(options.grace) + ": " + e.what());
    }
    return wishes;
}

void print(const Cancelled& cancelled, std::ostream& out) {
    const RunDirectory& run = cancelled.view.run;
    out << run.run_id() << ": " << printable(cancelled.text)
        << "\nnext: " << next_command("resume", run) << "\n      " << next_command("status", run)
        << '\n';
}

}  // namespace

void add_cancel(CLI::App& app, Context& context) {
    auto options = std::make_shared<CancelOptions>();
    CLI::App* command = app.add_subcommand("cancel", "Stop runs, after they have saved");
    command->add_option("run", options->wanted, "Run ids, the start of one, or paths")->required();
    command->add_flag("--now", options->now, "At once: the steps since the checkpoint are lost");
    command->add_flag("--no-wait", options->no_wait, "Do not wait until they have saved");
    command->add_option("--grace", options->grace, "How long saving may take (default: 10m)");
    add_runs_option(*command, options->runs);
    command->footer(
        "Jobs that wait are cancelled; the ranks of a running one save at the next step boundary\n"
        "and stop. r1ctl resume goes on from there.");
    command->callback([options, &context] { context.exit_code = run_cancel(*options, context); });
}

int run_cancel(const CancelOptions& options, Context& context) {
    const CancelWishes wishes = wishes_of(options);
    std::vector<RunDirectory> runs;
    for (const std::string& name : options.wanted)
        runs.push_back(find_run(std::filesystem::absolute(options.runs), name));
    const auto scheduler = scheduler_for(runs, context);
    std::vector<RunView> submitted;
    std::vector<Cancelled> results;
    for (const RunView& view : view_runs(runs, scheduler.get())) {
        if (has_ended(view))
            context.out << view.run.run_id() << ": nothing to stop, it "
                        << (view.state == RunState::kQueued ? "" : "is ") << end_text(view) << '\n';
        else if (view.jobs.empty())
            results.push_back(cancel_local(view, wishes, context));
        else
            submitted.push_back(view);
    }
    if (!submitted.empty()) {
        try {
            for (Cancelled& result : cancel_submitted(submitted, *scheduler, wishes, context))
                results.push_back(std::move(result));
        } catch (const Error& e) {
            throw Error(e.code(), std::string(e.what()) +
                                      "\n  the wish is noted: no further job of the run starts "
                                      "training; type it again when Slurm answers");
        }
    }
    int exit_code = 0;
    for (const Cancelled& result : results) {
        print(result, context.out);
        if (!result.stopped) exit_code = static_cast<int>(ExitCode::kRunFailed);
    }
    return exit_code;
}

}  // namespace r1::cli
