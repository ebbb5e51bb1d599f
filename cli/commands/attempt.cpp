// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/attempt.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace r1::cli {

void add_attempt(CLI::App& app, Context& context) {
    CLI::App* family = app.add_subcommand("attempt", "What a job script calls; not typed by hand");
    family->group("");  // not in the list of commands
    family->require_subcommand(1);
    auto options = std::make_shared<AttemptOptions>();
    using Work = int (*)(const AttemptOptions&, Context&);
    const auto add = [&](const char* name, const char* help, Work work) {
        CLI::App* command = family->add_subcommand(name, help);
        command->add_option("--run", options->run, "Run directory")->required();
        command->callback(
            [options, &context, work] { context.exit_code = work(*options, context); });
        return command;
    };
    CLI::App* begin = add("begin", "Claim the run for this job", &run_attempt_begin);
    begin->add_option("--job", options->job, "Number of the job's record")->required();
    begin->add_option("--shell", options->shell, "Process id of the job script")->required();
    CLI::App* node = add("node", "Record what this node has", &run_attempt_node);
    CLI::App* end = add("end", "Record how the attempt ended, and go on", &run_attempt_end);
    for (CLI::App* command : {node, end})
        command->add_option("--attempt", options->attempt, "Number of the attempt")->required();
    end->add_option("--status", options->status, "Exit status of the ranks")->required();
    end->add_option("--signalled", options->signalled, "1 when the script was signalled");
}

}  // namespace r1::cli
