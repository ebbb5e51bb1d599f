// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/status.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/lookout.h"
#include "cli/runs_folder.h"
#include "cli/status_row.h"
#include "cli/story.h"
#include "common/time.h"

namespace r1::cli {

namespace {

/// The command for the first run that is not damaged: the newest, or the one asked about.
void print_hint(const std::vector<StatusRow>& rows, std::ostream& out) {
    for (const StatusRow& row : rows) {
        if (!row.problem.empty()) continue;
        out << "next: " << next_for(row.view) << '\n';
        return;
    }
}

void print_rows(const std::vector<StatusRow>& rows, Context& context) {
    Table table(status_columns());
    for (const StatusRow& row : rows) table.add(cells_of(row, utc_milliseconds() / 1000));
    table.print(context.out);
    for (const StatusRow& row : rows)
        if (!row.problem.empty())
            context.err << row.view.run.run_id() << " is damaged: " << row.problem << '\n';
    print_hint(rows, context.out);
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
    auto options = std::make_shared<StatusOptions>();
    CLI::App* command =
        app.add_subcommand("status", "Runs: queue and history, how far they are, what they cost");
    command->add_option("run", options->wanted, "Run ids (default: all)");
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    add_runs_option(*command, options->runs);
    command->footer(
        "One question to the queue and one to the accounting, however many runs there are;\n"
        "none when every run has ended.");
    command->callback([options, &context] { context.exit_code = run_status(*options, context); });
}

int run_status(const StatusOptions& options, Context& context) {
    std::vector<RunDirectory> runs;
    for (const std::string& name : options.wanted) runs.push_back(find_run(options.runs, name));
    if (options.wanted.empty()) runs = list_runs(options.runs);
    const auto scheduler = scheduler_for(runs, context);
    std::vector<StatusRow> rows;
    for (const RunView& view : view_runs(runs, scheduler.get())) rows.push_back(row_of(view));
    if (options.json) {
        Json list = Json::array();
        for (const StatusRow& row : rows) list.push_back(to_json(row));
        context.out << Json{{"schema", 1}, {"runs", list}}.dump(2) << '\n';
    } else if (rows.empty()) {
        context.out << "no runs in " << options.runs.string()
                    << "\nnext: r1ctl run RECIPE, or r1ctl submit RECIPE\n";
    } else {
        print_rows(rows, context);
    }
    return 0;
}

}  // namespace r1::cli
