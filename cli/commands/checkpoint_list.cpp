// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_list.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "checkpoint/checkpoint.h"
#include "cli/commands/checkpoint_disk.h"
#include "cli/output/numbers.h"
#include "cli/output/table.h"
#include "common/error.h"

namespace r1::cli {

namespace {

/// One line of the list.
struct Row {
    std::int64_t step = 0;
    bool keep = false;
    std::string written_at;
    std::size_t tensors = 0;
    std::size_t files = 0;
    std::size_t writers = 0;
    std::uint64_t bytes = 0;       ///< of all tensors
    std::uint64_t disk_bytes = 0;  ///< of files that no earlier row has
    std::map<std::string, double> metrics;
    std::string problem;
};

/// Files of writers are "w00000-of-00002.h5", in format 1 "shard-…"; a file of another name holds
/// what was written once for several checkpoints.
bool is_writers(const FileEntry& file) {
    const std::string& name = file.name;
    return name.starts_with("shard-") ||
           (name.size() > 1 && name[0] == 'w' && std::isdigit(static_cast<unsigned char>(name[1])));
}

Row row_of(const FoundCheckpoint& checkpoint, DiskUse& disk) {
    Row row;
    row.step = checkpoint.step;
    row.disk_bytes = disk.add(checkpoint.path);
    try {
        const Manifest manifest = read_manifest(checkpoint.path);
        row.keep = manifest.keep;
        row.written_at = manifest.written_at;
        row.tensors = manifest.tensors.size();
        row.files = manifest.files.size();
        row.writers = static_cast<std::size_t>(
            std::count_if(manifest.files.begin(), manifest.files.end(), is_writers));
        row.metrics = manifest.metrics;
        for (const TensorEntry& tensor : manifest.tensors) row.bytes += tensor.bytes();
    } catch (const Error& e) {
        row.problem = e.what();
    }
    return row;
}

Json to_json(const Row& row) {
    return Json{{"step", row.step},
                {"keep", row.keep},
                {"kept_because", row.keep ? Json("end of a stage") : Json()},
                {"written_at", row.written_at},
                {"tensors", row.tensors},
                {"files", row.files},
                {"writers", row.writers},
                {"bytes", row.bytes},
                {"disk_bytes", row.disk_bytes},
                {"metrics", row.metrics},
                {"problem", row.problem}};
}

std::string metric_text(const Row& row, const std::string& metric) {
    const auto found = row.metrics.find(metric);
    return found == row.metrics.end() ? "-" : fixed(found->second, 4);
}

void print_rows(const std::vector<Row>& rows, const std::string& metric, std::ostream& out) {
    using enum Table::Align;
    std::vector<Table::Column> columns{{"step", kRight},   {"written"},       {"tensors", kRight},
                                       {"size", kRight},   {"files", kRight}, {"writers", kRight},
                                       {"on disk", kRight}};
    if (!metric.empty()) columns.push_back({metric, kRight});
    columns.push_back({"note"});
    Table table(columns);
    for (const Row& row : rows) {
        std::vector<std::string> cells{std::to_string(row.step), "-", "-", "-", "-", "-",
                                       size_text(row.disk_bytes)};
        if (row.problem.empty())
            cells = {std::to_string(row.step),    row.written_at,
                     std::to_string(row.tensors), size_text(row.bytes),
                     std::to_string(row.files),   std::to_string(row.writers),
                     size_text(row.disk_bytes)};
        if (!metric.empty()) cells.push_back(metric_text(row, metric));
        cells.push_back(!row.problem.empty() ? "damaged: " + row.problem
                        : row.keep           ? "end of a stage"
                                             : "");
        table.add(std::move(cells));
    }
    table.print(out);
}

/// A metric that no checkpoint has is a mistake. Throws Error naming those that there are.
void check_metric(const std::vector<Row>& rows, const std::string& metric) {
    std::map<std::string, double> all;
    for (const Row& row : rows) all.insert(row.metrics.begin(), row.metrics.end());
    if (metric.empty() || all.contains(metric)) return;
    std::string names;
    for (const auto& [name, value] : all) names += (names.empty() ? "" : ", ") + name;
    throw Error(ExitCode::kUsage, "no checkpoint has the metric '" + metric + "'" +
                                      (names.empty() ? "" : "; there are " + names));
}

}  // namespace

void add_checkpoint_list(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckpointListOptions>();
    CLI::App* command = app.add_subcommand("list", "List checkpoints, and what room they take");
    add_checkpoint_options(*command, *options);
    command->add_option("--metric", options->metric, "Show this metric of each, as 'pass@1'");
    command->callback(
        [options, &context] { context.exit_code = run_checkpoint_list(*options, context); });
}

int run_checkpoint_list(const CheckpointListOptions& options, Context& context) {
    const CheckpointTarget target = find_checkpoints(options.runs, options.target);
    DiskUse disk;
    std::vector<Row> rows;
    std::uint64_t room = 0;
    for (const FoundCheckpoint& checkpoint : target.checkpoints) {
        rows.push_back(row_of(checkpoint, disk));
        room += rows.back().disk_bytes;
    }
    check_metric(rows, options.metric);
    if (options.json) {
        Json record = target.head();
        record["disk_bytes"] = room;
        record["checkpoints"] = Json::array();
        for (const Row& row : rows) record["checkpoints"].push_back(to_json(row));
        print_json(record, context.out);
    } else if (rows.empty()) {
        context.out << target.name << " has no checkpoint yet\n";
    } else {
        print_rows(rows, options.metric, context.out);
        context.out << counted(static_cast<std::int64_t>(rows.size()), "checkpoint") << ", "
                    << size_text(room) << " on disk\n"
                    << "next: " << target.command("verify") << '\n';
    }
    return 0;
}

}  // namespace r1::cli
