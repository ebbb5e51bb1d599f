// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "cli/output/numbers.h"
#include "cli/output/table.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/json.h"

namespace r1::cli {

namespace {

/// One line of the list.
struct Row {
    std::int64_t step = 0;
    bool keep = false;
    std::string written_at;
    std::size_t tensors = 0;
    std::uint64_t bytes = 0;
    std::string problem;
};

Row row_of(const std::filesystem::path& checkpoints, std::int64_t step) {
    Row row;
    row.step = step;
    try {
        const Manifest manifest = read_manifest(checkpoints / checkpoint_name(step));
        row.keep = manifest.keep;
        row.written_at = manifest.written_at;
        row.tensors = manifest.tensors.size();
        for (const TensorEntry& tensor : manifest.tensors) row.bytes += tensor.bytes;
    } catch (const Error& e) {
        row.problem = e.what();
    }
    return row;
}

Json to_json(const Row& row) {
    return Json{{"step", row.step},       {"keep", row.keep},   {"written_at", row.written_at},
                {"tensors", row.tensors}, {"bytes", row.bytes}, {"problem", row.problem}};
}

std::string size_text(std::uint64_t bytes) {
    const auto count = static_cast<double>(bytes);
    if (count < 1048576) return fixed(count / 1024, 1) + " KiB";
    if (count < 1073741824) return fixed(count / 1048576, 1) + " MiB";
    return fixed(count / 1073741824, 2) + " GiB";
}

void print_rows(const std::vector<Row>& rows, std::ostream& out) {
    using enum Table::Align;
    Table table({{"step", kRight}, {"written"}, {"tensors", kRight}, {"size", kRight}, {"note"}});
    for (const Row& row : rows) {
        if (row.problem.empty())
            table.add({std::to_string(row.step), row.written_at, std::to_string(row.tensors),
                       size_text(row.bytes), row.keep ? "end of a stage" : ""});
        else
            table.add({std::to_string(row.step), "-", "-", "-", "damaged: " + row.problem});
    }
    table.print(out);
}

void add_common(CLI::App& command, CheckpointOptions& options) {
    command.add_option("run", options.run, "Run id, the start of one, or a path")->required();
    add_runs_option(command, options.runs);
}

}  // namespace

void add_checkpoint(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckpointOptions>();
    CLI::App* command = app.add_subcommand("checkpoint", "Look into checkpoints and prove them");
    command->require_subcommand(1);
    CLI::App* list = command->add_subcommand("list", "List the checkpoints of a run");
    add_common(*list, *options);
    list->add_flag("--json", options->json, "Print JSON (schema 1)");
    list->callback(
        [options, &context] { context.exit_code = run_checkpoint_list(*options, context); });
    CLI::App* verify = command->add_subcommand("verify", "Read every byte and check its hash");
    add_common(*verify, *options);
    verify->add_option("--step", options->step, "Only this one (default: all)");
    verify->callback(
        [options, &context] { context.exit_code = run_checkpoint_verify(*options, context); });
}

int run_checkpoint_list(const CheckpointOptions& options, Context& context) {
    const RunDirectory run = find_run(options.runs, options.run);
    std::vector<Row> rows;
    for (const std::int64_t step : list_checkpoints(run.checkpoints()))
        rows.push_back(row_of(run.checkpoints(), step));
    if (options.json) {
        Json list = Json::array();
        for (const Row& row : rows) list.push_back(to_json(row));
        context.out << Json{{"schema", 1}, {"run_id", run.run_id()}, {"checkpoints", list}}.dump(2)
                    << '\n';
    } else if (rows.empty()) {
        context.out << run.run_id() << " has no checkpoint yet\n";
    } else {
        print_rows(rows, context.out);
        context.out << "next: " << next_command("checkpoint verify", run) << '\n';
    }
    return 0;
}

int run_checkpoint_verify(const CheckpointOptions& options, Context& context) {
    const RunDirectory run = find_run(options.runs, options.run);
    std::vector<std::int64_t> steps = list_checkpoints(run.checkpoints());
    if (options.step) {
        if (std::find(steps.begin(), steps.end(), *options.step) == steps.end())
            throw Error(ExitCode::kUsage, run.run_id() + " has no checkpoint of step " +
                                              std::to_string(*options.step) +
                                              "\n  see: " + next_command("checkpoint list", run));
        steps = {*options.step};
    }
    if (steps.empty()) throw Error(ExitCode::kCheckpoint, run.run_id() + " has no checkpoint yet");
    int exit_code = 0;
    for (const std::int64_t step : steps) {
        const auto path = run.checkpoints() / checkpoint_name(step);
        try {
            verify_checkpoint(path);
            const Row row = row_of(run.checkpoints(), step);
            context.out << checkpoint_name(step) << ": ok ("
                        << counted(static_cast<std::int64_t>(row.tensors), "tensor") << ", "
                        << size_text(row.bytes) << ")\n";
        } catch (const Error& e) {
            context.err << "r1ctl: " << e.what() << '\n';
            exit_code = static_cast<int>(ExitCode::kCheckpoint);
        }
    }
    return exit_code;
}

}  // namespace r1::cli
