// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/resume.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "checkpoint/attempt.h"
#include "cli/living_ranks.h"
#include "cli/rank_program.h"
#include "cli/runs_folder.h"
#include "cli/supervisor.h"
#include "common/error.h"
#include "recipes/load.h"

namespace r1::cli {

namespace {

constexpr double kSaveSeconds = 60;  ///< what the last save of orphaned ranks may take

std::string launcher_text(const RunDirectory& run) {
    const auto attempt = read_attempt(run, run.newest_attempt());
    if (!attempt) return "an unknown host";
    return attempt->host + " (pid " + std::to_string(attempt->launcher_pid) + ")";
}

/// Throws Error when another launcher has, or may have, the run.
void refuse_if_taken(const RunDirectory& run, RunState state, bool force) {
    if (state == RunState::kRunning)
        throw Error(ExitCode::kRunFailed, run.run_id() + " is running on " + launcher_text(run) +
                                              "\n  see: " + next_command("logs -f", run));
    if (state == RunState::kUnknown && !force)
        throw Error(ExitCode::kRunFailed,
                    run.run_id() + " was started on " + launcher_text(run) +
                        ", which cannot be asked from here; resume it there, or with --force when "
                        "you know that it ended");
}

}  // namespace

void add_resume(CLI::App& app, Context& context) {
    auto options = std::make_shared<ResumeOptions>();
    CLI::App* command =
        app.add_subcommand("resume", "Go on from the newest checkpoint that verifies");
    command->add_option("run", options->run, "Run id, the start of one, or a path")->required();
    command->add_flag("--force", options->force, "Although its host cannot be asked");
    command->add_flag("--quiet", options->quiet, "No progress, only the report");
    add_runs_option(*command, options->runs);
    command->callback([options, &context] { context.exit_code = run_resume(*options, context); });
}

int run_resume(const ResumeOptions& options, Context& context) {
    const RunDirectory run = find_run(std::filesystem::absolute(options.runs), options.run);
    const RunState state = state_of(run);
    if (state == RunState::kCompleted) {
        context.out << run.run_id() << " is completed; there is nothing to resume\nnext: "
                    << next_command("eval", run) << '\n';
        return 0;
    }
    refuse_if_taken(run, state, options.force);
    const Recipe recipe = load_recipe(run.recipe());
    const auto rank_program = find_rank_program();
    wait_for_living_ranks(run, kSaveSeconds, context.err);
    context.err << "resuming " << run.run_id() << ", which is " << to_string(state) << std::endl;
    return supervise(run, recipe, {rank_program, options.quiet}, context);
}

}  // namespace r1::cli
