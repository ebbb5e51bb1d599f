// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/cost.h"

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/charged_runs.h"
#include "cli/commands/cost_diff.h"
#include "cli/commands/cost_explain.h"
#include "cli/commands/cost_source.h"
#include "cli/commands/cost_table.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/text.h"
#include "common/time.h"
#include "common/units.h"
#include "slurm/billing/index_files.h"

namespace r1::cli {

namespace {

const std::map<std::string, CostKey>& keys() {
    static const std::map<std::string, CostKey> kKeys = [] {
        std::map<std::string, CostKey> made;
        for (const CostKey key :
             {CostKey::kRun, CostKey::kUser, CostKey::kRecipe, CostKey::kStage, CostKey::kPartition,
              CostKey::kGpu, CostKey::kMonth, CostKey::kAccount})
            made[name_of(key)] = key;
        return made;
    }();
    return kKeys;
}

CostQuestion question_of(const CostOptions& options) {
    const std::int64_t now_ms = utc_milliseconds();
    CostQuestion question;
    question.by = options.by;
    question.user = options.user;
    question.account = options.account;
    if (!options.since.empty())
        question.since_ms = parse_cost_time("--since", options.since, now_ms);
    if (!options.until.empty())
        question.until_ms = parse_cost_time("--until", options.until, now_ms);
    if (question.since_ms >= question.until_ms)
        throw Error(ExitCode::kUsage, "--since is not before --until");
    return question;
}

void refuse(bool wrong, const std::string& message) {
    if (wrong) throw Error(ExitCode::kUsage, message);
}

void check(const CostOptions& options) {
    const bool from_file = !options.sacct.empty();
    refuse(from_file && (!options.wanted.empty() || !options.diff.empty()),
           "--sacct bills the jobs of a file, and takes no RUN");
    refuse(!from_file && !options.cluster.empty(), "--cluster is about the prices of --sacct");
    refuse(options.explain && !from_file && options.wanted.size() != 1,
           "--explain is about one run\n  next: r1ctl cost RUN --explain");
    refuse(options.explain && (options.json || options.csv),
           "--explain is for people; leave it "
           "out for --json and --csv");
    refuse(options.json && options.csv, "--json and --csv exclude each other");
    refuse(!options.diff.empty() && (options.csv || options.explain),
           "--diff prints a table or --json");
    refuse(!options.diff.empty() && !options.wanted.empty(), "--diff names its two runs itself");
}

void print_problems(const std::vector<std::string>& problems, Context& context) {
    for (const std::string& problem : problems) context.err << printable(problem) << '\n';
}

CostAnswer answer_of_runs(const CostOptions& options, const CostQuestion& question,
                          Context& context) {
    std::vector<std::string> problems;
    CostIndex index({state_folder()},
                    [&](const std::string& line) { context.err << printable(line) << '\n'; });
    if (options.rebuild) index.discard();
    const auto read = [&](const std::vector<RunDirectory>& runs) {
        return read_runs(runs, context, problems);
    };
    CostAnswer answer = index.answer(asked_runs(options), question, read);
    print_problems(problems, context);
    return answer;
}

int print_explanation(const CostOptions& options, const CostQuestion& question, Context& context) {
    if (!options.sacct.empty()) {
        explain_cost(read_sacct(options), question, context.out);
        return 0;
    }
    std::vector<std::string> problems;
    const std::vector<ReadRun> found = read_runs(asked_runs(options), context, problems);
    print_problems(problems, context);
    if (found.empty()) return static_cast<int>(ExitCode::kRunFailed);
    explain_cost(found.front().charges, question, context.out);
    return 0;
}

std::string next_text(const CostOptions& options, const CostAnswer& answer) {
    if (!options.sacct.empty())
        return "r1ctl cost --sacct " + as_argument(options.sacct.string()) + " --explain";
    if (options.by != CostKey::kRun) return "r1ctl cost --by run";
    const RunDirectory run = find_run(options.runs, answer.rows.front().key);
    return next_command("cost", run) + " --explain";
}

void print_answer(const CostAnswer& answer, const CostQuestion& question,
                  const CostOptions& options, Context& context) {
    print_refused(answer, context.err);
    if (options.json) {
        context.out << cost_json(answer, question).dump(2) << '\n';
    } else if (options.csv) {
        print_cost_csv(answer, question.by, context.out);
    } else if (answer.rows.empty()) {
        context.out << "nothing was used"
                    << (question.asks_for_all() ? "" : " by what was asked for")
                    << "\nnext: r1ctl status\n";
    } else {
        print_cost_table(answer, question.by, context);
        context.out << "next: " << next_text(options, answer) << '\n';
    }
}

}  // namespace

std::int64_t parse_cost_time(const std::string& option, const std::string& text,
                             std::int64_t now_ms) {
    if (const auto moment = parse_utc(text)) return *moment;
    const std::string ago = " ago";
    const std::string length =
        text.ends_with(ago) ? text.substr(0, text.size() - ago.size()) : text;
    try {
        return now_ms - parse_duration(length).seconds * 1000;
    } catch (const std::invalid_argument&) {
        throw Error(ExitCode::kUsage, option + ": '" + printable(text) +
                                          "' is not a time; write 2026-01-31, "
                                          "2026-01-31T12:00:00Z (UTC), or '7d ago'");
    }
}

void add_cost(CLI::App& app, Context& context) {
    auto options = std::make_shared<CostOptions>();
    CLI::App* command =
        app.add_subcommand("cost", "GPU-hours and cost over all attempts: useful, lost, price");
    command->add_option("run", options->wanted, "Run ids (default: all)");
    add_runs_option(*command, options->runs);
    command->add_option("--since", options->since, "Only what was used from this time on");
    command->add_option("--until", options->until, "Only what was used before this time");
    command->add_option("--user", options->user, "Only of this user");
    command->add_option("--account", options->account, "Only of this account");
    command
        ->add_option("--by", options->by,
                     "Rows: run, user, recipe, stage, partition, gpu, month or account")
        ->transform(CLI::CheckedTransformer(keys()))
        ->option_text("KEY");
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    command->add_flag("--csv", options->csv, "Print CSV with a heading");
    command->add_flag("--explain", options->explain, "The arithmetic of one run, line by line");
    command->add_option("--diff", options->diff, "The bills of two runs beside each other")
        ->expected(2);
    command->add_option("--sacct", options->sacct,
                        "Bill the jobs that sacct --duplicates --parsable2 printed into a file, "
                        "or - for stdin");
    command->add_option("--cluster", options->cluster,
                        "Whose prices --sacct takes, as clusters.yaml names it");
    command->add_flag("--rebuild", options->rebuild, "Throw the index away first");
    command->footer(
        "GPU-hours are allocated GPUs x (end - start) of every attempt. Times are 2026-01-31 (the\n"
        "first moment of the day in UTC), 2026-01-31T12:00:00Z, or '7d ago'; months are of UTC.\n"
        "What runs is billed up to now and marked provisional. Of two currencies nothing is "
        "added.");
    command->callback([options, &context] { context.exit_code = run_cost(*options, context); });
}

int run_cost(const CostOptions& options, Context& context) {
    check(options);
    const CostQuestion question = question_of(options);
    if (!options.diff.empty()) return print_cost_diff(options, question, context);
    if (options.explain) return print_explanation(options, question, context);
    const CostAnswer answer = options.sacct.empty() ? answer_of_runs(options, question, context)
                                                    : answer_of(read_sacct(options), question);
    print_answer(answer, question, options, context);
    return 0;
}

}  // namespace r1::cli
