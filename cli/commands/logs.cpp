// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/logs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <ostream>

#include "checkpoint/attempt.h"
#include "checkpoint/job.h"
#include "cli/output/times.h"
#include "cli/runs_folder.h"
#include "cli/story.h"
#include "common/error.h"
#include "common/text.h"
#include "common/time.h"

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

std::string heading(const RunDirectory& run, int attempt) {
    std::string where;
    try {
        const auto record = read_attempt(run, attempt);
        const bool nodes = record && record->slurm && !record->slurm->nodes.empty();
        if (record) where = " on " + (nodes ? folded_nodes(record->slurm->nodes) : record->host);
    } catch (const Error&) {
        where.clear();  // a damaged record hides no log
    }
    return "==> attempt " + std::to_string(attempt) + printable(where) + " <==\n";
}

/// The log of one attempt after the other, until the run has ended. Attempt 0 is the first that
/// will be.
void follow(const RunDirectory& run, int attempt, const LookTimes& times, Context& context) {
    Lookout lookout({run}, context, times);
    std::streamoff offset = 0;
    std::string waits;
    while (context.out) {
        // Before the last look at the file: what comes after it is printed.
        const RunView& view = lookout.look().front();
        const bool ended = has_ended(view);
        const int newest = run.newest_attempt();
        if (attempt > 0) print_from(run.attempt_log(attempt), offset, context.out);
        const bool begun = attempt < newest && std::filesystem::exists(run.attempt_record(newest));
        if (begun) {
            ++attempt;
            offset = 0;
            context.out << heading(run, attempt);
            waits.clear();
            continue;
        }
        if (ended) return;
        const std::string state = to_string(view.state) + view.note;
        if (view.state == RunState::kQueued && state != waits) {
            context.err << printable(state_text(view, utc_milliseconds() / 1000)) << std::endl;
            waits = state;
        }
        lookout.rest([&] { return !context.out; });
    }
}

/// The outputs of job scripts, slurm-<job>.out: of one attempt's job, or of all.
void print_batch(const RunDirectory& run, int attempt, std::ostream& out) {
    std::vector<std::int64_t> ids;
    for (const JobRecord& job : read_jobs(run))
        if (job.job) ids.push_back(*job.job);
    if (attempt > 0) {
        const auto record = read_attempt(run, attempt);
        ids.clear();
        if (record && record->slurm) ids.push_back(record->slurm->job);
    }
    bool any = false;
    for (const std::int64_t id : ids) {
        const auto file = run.root() / ("slurm-" + std::to_string(id) + ".out");
        if (!std::filesystem::exists(file)) continue;
        if (ids.size() > 1) out << "==> " << file.filename().string() << " <==\n";
        std::streamoff offset = 0;
        print_from(file, offset, out);
        any = true;
    }
    if (!any)
        throw Error(ExitCode::kUsage,
                    run.run_id() + " has no output of a job script" +
                        (read_jobs(run).empty() ? "; it was never submitted" : "") +
                        "\n  see: " + next_command("status", run));
}

[[noreturn]] void throw_no_attempt(const RunDirectory& run, const RunView& view) {
    const std::string next =
        view.jobs.empty() || has_ended(view) ? next_for(view) : next_command("logs -f", run);
    throw Error(ExitCode::kUsage, run.run_id() + " has no attempt yet\n  next: " + next);
}

}  // namespace

void add_logs(CLI::App& app, Context& context) {
    auto options = std::make_shared<LogsOptions>();
    CLI::App* command = app.add_subcommand("logs", "Print what the ranks of a run have said");
    command->add_option("run", options->run, "Run id, the start of one, or a path")->required();
    CLI::Option* follow =
        command->add_flag("-f,--follow", options->follow, "Go on until the run ends");
    command->add_option("--attempt", options->attempt, "Which attempt (default: the newest)")
        ->check(CLI::PositiveNumber);
    command->add_flag("--batch", options->batch, "What the job scripts said (slurm-<job>.out)")
        ->excludes(follow);
    add_runs_option(*command, options->runs);
    command->callback([options, &context] { context.exit_code = run_logs(*options, context); });
}

int run_logs(const LogsOptions& options, Context& context) {
    const RunDirectory run = find_run(options.runs, options.run);
    const int newest = run.newest_attempt();
    if (options.attempt > newest)
        throw Error(ExitCode::kUsage, run.run_id() + " has " + std::to_string(newest) +
                                          " attempts; there is no attempt " +
                                          std::to_string(options.attempt));
    if (options.batch) {
        print_batch(run, options.attempt, context.out);
        return 0;
    }
    const RunView view = view_runs({run}, nullptr).front();
    if (newest == 0 && (view.jobs.empty() || !options.follow)) throw_no_attempt(run, view);
    const int attempt = options.attempt == 0 ? newest : options.attempt;
    std::streamoff offset = 0;
    if (options.follow)
        follow(run, attempt, options.times, context);
    else
        print_from(run.attempt_log(attempt), offset, context.out);
    return 0;
}

}  // namespace r1::cli
