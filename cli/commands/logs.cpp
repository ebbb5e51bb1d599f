// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/logs.h"

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <ostream>
#include <thread>

#include "checkpoint/attempt.h"
#include "cli/runs_folder.h"
#include "common/error.h"

namespace r1::cli {

namespace {

/// Prints what a file has beyond `offset`, and moves `offset`.
void print_from(const std::filesystem::path& file, std::streamoff& offset, std::ostream& out) {
    std::ifstream in(file, std::ios::binary);
    if (!in || !in.seekg(offset)) return;
    std::array<char, 65536> block{};
    while (in.read(block.data(), block.size()) || in.gcount() > 0) {
        out.write(block.data(), in.gcount());
        offset += in.gcount();
    }
    out.flush();
}

/// The log of one attempt after the other, until the run has ended.
void follow(const RunDirectory& run, int attempt, std::ostream& out) {
    std::streamoff offset = 0;
    while (out) {
        const RunState state = state_of(run);  // before the last look: what comes after is printed
        const int newest = run.newest_attempt();
        print_from(run.attempt_log(attempt), offset, out);
        if (attempt < newest) {
            ++attempt;
            offset = 0;
            continue;
        }
        if (state != RunState::kRunning && state != RunState::kUnknown) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

}  // namespace

void add_logs(CLI::App& app, Context& context) {
    auto options = std::make_shared<LogsOptions>();
    CLI::App* command = app.add_subcommand("logs", "Print what the ranks of a run have said");
    command->add_option("run", options->run, "Run id, the start of one, or a path")->required();
    command->add_flag("-f,--follow", options->follow, "Go on until the run ends");
    command->add_option("--attempt", options->attempt, "Which attempt (default: the newest)")
        ->check(CLI::PositiveNumber);
    add_runs_option(*command, options->runs);
    command->callback([options, &context] { context.exit_code = run_logs(*options, context); });
}

int run_logs(const LogsOptions& options, Context& context) {
    const RunDirectory run = find_run(options.runs, options.run);
    const int newest = run.newest_attempt();
    if (newest == 0)
        throw Error(ExitCode::kUsage,
                    run.run_id() + " has no attempt yet\n  next: " + next_command("resume", run));
    if (options.attempt > newest)
        throw Error(ExitCode::kUsage, run.run_id() + " has " + std::to_string(newest) +
                                          " attempts; there is no attempt " +
                                          std::to_string(options.attempt));
    const int attempt = options.attempt == 0 ? newest : options.attempt;
    std::streamoff offset = 0;
    if (options.follow)
        follow(run, attempt, context.out);
    else
        print_from(run.attempt_log(attempt), offset, context.out);
    return 0;
}

}  // namespace r1::cli
