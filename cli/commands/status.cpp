// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/status.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "checkpoint/attempt.h"
#include "cli/history.h"
#include "cli/output/numbers.h"
#include "cli/output/table.h"
#include "cli/runs_folder.h"
#include "common/json.h"
#include "common/time.h"
#include "recipes/load.h"
#include "slurm/accounting.h"

namespace r1::cli {

namespace {

struct Row {
    explicit Row(RunDirectory directory) : run(std::move(directory)) {}

    RunDirectory run;
    std::string state = "damaged";
    History history;
    Usage usage;
    CostSection prices;
    std::string problem;  ///< why something of it could not be read
};

Row row_of(const RunDirectory& run) {
    Row row(run);
    const auto attempt = [&](const auto& read) {
        try {
            read();
        } catch (const std::exception& e) {
            const std::string reason = e.what();
            if (row.problem.empty()) row.problem = reason.substr(0, reason.find('\n'));
        }
    };
    attempt([&] { row.state = to_string(state_of(run)); });
    attempt([&] { row.history = read_history(run); });
    attempt([&] { row.usage = usage_of(run); });
    attempt([&] { row.prices = load_recipe(run.recipe()).cost; });
    if (!row.problem.empty()) row.state = "damaged";
    return row;
}

std::optional<double> pass_1(const Row& row) {
    if (row.history.evaluations.empty()) return std::nullopt;
    return row.history.evaluations.back().pass_1;
}

std::string cost_text(const Row& row) {
    const auto cost = cost_of(row.usage, row.prices);
    return cost ? cost->to_string() + " " + row.prices.currency : "unpriced";
}

Json to_json(const Row& row) {
    Json json{{"run_id", row.run.run_id()},
              {"path", row.run.root().string()},
              {"state", row.state},
              {"stage", nullptr},
              {"step", 0},
              {"total_steps", nullptr},
              {"reward", nullptr},
              {"loss", nullptr},
              {"pass@1", nullptr},
              {"usage", bill_json(row.usage, row.prices)},
              {"problem", row.problem}};
    if (const auto& last = row.history.last) {
        json["stage"] = last->stage;
        json["step"] = last->step;
        json["total_steps"] = last->total_steps;
        if (last->reward) json["reward"] = *last->reward;
        if (last->loss) json["loss"] = *last->loss;
    }
    if (const auto value = pass_1(row)) json["pass@1"] = *value;
    return json;
}

void add_to(Table& table, const Row& row) {
    const auto& last = row.history.last;
    std::string quality = "-";
    if (last && last->reward) quality = "reward " + fixed(*last->reward, 3);
    if (last && !last->reward && last->loss) quality = "loss " + fixed(*last->loss, 4);
    const auto value = pass_1(row);
    table.add({row.run.run_id(), row.state, last ? last->stage : "-",
               last ? std::to_string(last->step) + "/" + std::to_string(last->total_steps) : "-",
               quality, value ? fixed(*value, 3) : "-",
               short_duration(static_cast<double>(row.usage.wall_milliseconds) / 1000),
               hours_text(row.usage.gpu_milliseconds), hours_text(row.usage.core_milliseconds),
               cost_text(row)});
}

void print_hint(const std::vector<Row>& rows, std::ostream& out) {
    for (const Row& row : rows) {
        const char* verb = nullptr;
        if (row.state == to_string(RunState::kRunning)) verb = "logs -f";
        if (row.state == to_string(RunState::kCompleted)) verb = "eval";
        if (row.state == to_string(RunState::kQueued) ||
            row.state == to_string(RunState::kStopped) ||
            row.state == to_string(RunState::kInterrupted) ||
            row.state == to_string(RunState::kFailed))
            verb = "resume";
        if (verb == nullptr) continue;
        out << "next: " << next_command(verb, row.run) << '\n';
        return;
    }
}

void print_rows(const std::vector<Row>& rows, Context& context) {
    using enum Table::Align;
    Table table({{"run"},
                 {"state"},
                 {"stage"},
                 {"step", kRight},
                 {"last"},
                 {"pass@1", kRight},
                 {"time", kRight},
                 {"GPU-hours", kRight},
                 {"core-hours", kRight},
                 {"cost", kRight}});
    for (const Row& row : rows) add_to(table, row);
    table.print(context.out);
    for (const Row& row : rows)
        if (!row.problem.empty())
            context.err << row.run.run_id() << " is damaged: " << row.problem << '\n';
    print_hint(rows, context.out);
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
    auto options = std::make_shared<StatusOptions>();
    CLI::App* command = app.add_subcommand("status", "Runs: how far they are and what they cost");
    command->add_option("run", options->wanted, "Run ids (default: all)");
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    add_runs_option(*command, options->runs);
    command->callback([options, &context] { context.exit_code = run_status(*options, context); });
}

int run_status(const StatusOptions& options, Context& context) {
    std::vector<Row> rows;
    for (const std::string& name : options.wanted)
        rows.push_back(row_of(find_run(options.runs, name)));
    if (options.wanted.empty())
        for (const RunDirectory& run : list_runs(options.runs)) rows.push_back(row_of(run));
    if (options.json) {
        Json list = Json::array();
        for (const Row& row : rows) list.push_back(to_json(row));
        context.out << Json{{"schema", 1}, {"runs", list}}.dump(2) << '\n';
    } else if (rows.empty()) {
        context.out << "no runs in " << options.runs.string() << "\nnext: r1ctl run RECIPE\n";
    } else {
        print_rows(rows, context);
    }
    return 0;
}

}  // namespace r1::cli
