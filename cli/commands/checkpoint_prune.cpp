// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_prune.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "checkpoint/checkpoint.h"
#include "checkpoint/process.h"
#include "cli/commands/checkpoint_disk.h"
#include "cli/output/numbers.h"
#include "common/error.h"
#include "common/host.h"

namespace r1::cli {

namespace {

namespace fs = std::filesystem;

/// The folders that killed saves and removals have left; remove_leftovers() clears single files
/// away too.
std::vector<fs::path> left_behind(const fs::path& folder) {
    std::vector<fs::path> list;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (name.starts_with(".tmp-step-") || name.starts_with(".trash-step-"))
            list.push_back(it->path());
    }
    return list;
}

LeaseHolder this_process(const RunDirectory& run) {
    LeaseHolder self;
    self.attempt = run.newest_attempt();
    self.host = host_name();
    self.pid = ::getpid();
    self.start_ticks = process_start_ticks(self.pid).value_or(0);
    self.boot_id = boot_id();
    return self;
}

/// What goes and what stays.
struct Plan {
    std::vector<std::int64_t> steps;
    std::vector<std::int64_t> kept;
    std::size_t left_behind = 0;
    std::uint64_t bytes = 0;  ///< that the disk gets back
};

Plan make_plan(Retention& retention, const fs::path& folder, bool with_left_behind) {
    Plan plan;
    plan.steps = retention.plan();
    for (const std::int64_t step : list_checkpoints(folder))
        if (!std::binary_search(plan.steps.begin(), plan.steps.end(), step))
            plan.kept.push_back(step);
    std::vector<fs::path> folders;
    if (with_left_behind) folders = left_behind(folder);
    plan.left_behind = folders.size();
    for (const std::int64_t step : plan.steps) folders.push_back(folder / checkpoint_name(step));
    plan.bytes = freed_by(folders);
    return plan;
}

Json to_json(const CheckpointTarget& target, const Plan& plan, bool dry_run) {
    Json record = target.head();
    record["dry_run"] = dry_run;
    record["removed"] = plan.steps;
    record["kept"] = plan.kept;
    record["left_behind"] = plan.left_behind;
    record["freed_bytes"] = plan.bytes;
    return record;
}

std::string steps_text(const std::vector<std::int64_t>& steps) {
    std::string text;
    for (const std::int64_t step : steps) text += (text.empty() ? "" : ", ") + std::to_string(step);
    return text.empty() ? "none" : text;
}

void print(const Plan& plan, bool dry_run, std::ostream& out) {
    out << (dry_run ? "would remove: " : "removed: ") << steps_text(plan.steps)
        << "\nkept: " << steps_text(plan.kept) << '\n';
    if (plan.left_behind != 0)
        out << (dry_run ? "would also remove " : "also removed ")
            << counted(static_cast<std::int64_t>(plan.left_behind), "folder")
            << " that killed processes left behind\n";
    out << (dry_run ? "it would free " : "freed ") << size_text(plan.bytes) << '\n';
}

}  // namespace

void add_checkpoint_prune(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckpointPruneOptions>();
    CLI::App* command = app.add_subcommand("prune", "Remove old checkpoints of a run that ended");
    add_checkpoint_options(*command, *options);
    RetentionPolicy& policy = options->policy;
    command->add_option("--keep-last", policy.keep_last, "How many of the newest stay")
        ->required()
        ->check(CLI::PositiveNumber);
    command->add_option("--keep-every", policy.keep_every, "Steps that are its multiples stay")
        ->check(CLI::PositiveNumber);
    CLI::Option* best =
        command->add_option("--keep-best", policy.keep_best, "How many of the best stay")
            ->check(CLI::PositiveNumber);
    CLI::Option* metric =
        command->add_option("--metric", policy.best_metric, "What --keep-best goes by, as 'pass@1'")
            ->needs(best);
    best->needs(metric);
    command
        ->add_flag_callback(
            "--lowest", [options] { options->policy.best_is_highest = false; },
            "The lowest metric is the best")
        ->needs(best);
    command->add_flag("--dry-run", options->dry_run, "Say what would go, and remove nothing");
    command->footer(
        "The end of a stage always stays. What decides is read and verified first: a damaged\n"
        "checkpoint takes no other's place, and the newest that verifies is never removed.");
    command->callback(
        [options, &context] { context.exit_code = run_checkpoint_prune(*options, context); });
}

int run_checkpoint_prune(const CheckpointPruneOptions& options, Context& context) {
    const CheckpointTarget target = find_checkpoints(options.runs, options.target);
    if (target.single)
        throw Error(ExitCode::kUsage, target.name +
                                          " is one checkpoint; name its run, or the folder that "
                                          "holds it");
    // A dry run disturbs nobody. Held to the end, so that no run begins meanwhile.
    std::optional<Lease> lease;
    if (target.run && !options.dry_run)
        lease.emplace(*target.run, this_process(*target.run), options.timing);
    Retention retention(target.folder, options.policy);
    const Plan plan = make_plan(retention, target.folder, target.run.has_value());
    if (!options.dry_run) {
        if (lease && !lease->held())
            throw Error(ExitCode::kRunFailed, "another process has taken " + target.name +
                                                  " over meanwhile; nothing was removed");
        // Of a folder that is no run's, nobody can say who writes to it.
        if (lease) remove_leftovers(target.folder);
        retention.apply();
    }
    if (options.json) {
        print_json(to_json(target, plan, options.dry_run), context.out);
        return 0;
    }
    print(plan, options.dry_run, context.out);
    context.out << "next: " << target.command("list") << '\n';
    return 0;
}

}  // namespace r1::cli
