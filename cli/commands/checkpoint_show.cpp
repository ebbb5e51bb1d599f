// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_show.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "checkpoint/checkpoint.h"
#include "cli/commands/checkpoint_statistics.h"
#include "cli/commands/checkpoint_values.h"
#include "cli/output/numbers.h"
#include "cli/output/table.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/text.h"

namespace r1::cli {

namespace {

using enum Table::Align;

/// The trainer's counters: an object where they are one, otherwise the text.
Json state_of(const Manifest& manifest) {
    try {
        return parse_json_object(manifest.state, "state");
    } catch (const Error&) {
        return manifest.state;
    }
}

std::string shape_text(const TensorInfo& tensor) {
    std::string text;
    for (const std::int64_t side : tensor.shape)
        text += (text.empty() ? "" : " x ") + std::to_string(side);
    return text.empty() ? "scalar" : text;
}

/// A format 1 has no blocks: each tensor has one hash.
bool has_blocks(const Manifest& manifest) {
    return manifest.block_bytes != std::numeric_limits<std::uint64_t>::max();
}

std::string number_text(double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.9g", value);
    return text;
}

Json head_json(const CheckpointTarget& target, const FoundCheckpoint& found,
               const Manifest& manifest) {
    Json record = target.head();
    record["path"] = found.path.string();
    record["run_id"] = manifest.run_id;
    record["step"] = manifest.step;
    record["written_at"] = manifest.written_at;
    record["format"] = has_blocks(manifest) ? 2 : 1;
    record["block_bytes"] = has_blocks(manifest) ? Json(manifest.block_bytes) : Json();
    record["keep"] = manifest.keep;
    return record;
}

Json tensor_json(const TensorEntry& tensor) {
    return Json{{"name", tensor.name},
                {"type", to_string(tensor.type)},
                {"shape", tensor.shape},
                {"bytes", tensor.bytes()},
                {"pieces", tensor.pieces.size()}};
}

Json all_json(Json record, const Manifest& manifest) {
    record["metrics"] = manifest.metrics;
    record["state"] = state_of(manifest);
    record["files"] = Json::array();
    for (const FileEntry& file : manifest.files)
        record["files"].push_back(Json{{"name", file.name}, {"bytes", file.bytes}});
    record["tensors"] = Json::array();
    for (const TensorEntry& tensor : manifest.tensors)
        record["tensors"].push_back(tensor_json(tensor));
    return record;
}

void print_head(const FoundCheckpoint& found, const Manifest& manifest, std::ostream& out) {
    out << "checkpoint: " << printable(found.path.string())
        << "\nrun: " << printable(manifest.run_id) << "\nstep: " << manifest.step
        << (manifest.keep ? " (end of a stage)" : "")
        << "\nwritten: " << printable(manifest.written_at);
    if (has_blocks(manifest))
        out << "\nformat: 2, a hash for each " << size_text(manifest.block_bytes) << '\n';
    else
        out << "\nformat: 1, a hash for each tensor\n";
}

void print_all(const Manifest& manifest, std::ostream& out) {
    for (const auto& [name, value] : manifest.metrics)
        out << "metric: " << printable(name) << ' ' << number_text(value) << '\n';
    out << "state:";
    std::istringstream state(
        state_of(manifest).dump(2, ' ', false, Json::error_handler_t::replace));
    for (std::string line; std::getline(state, line);) out << "\n  " << printable(line);
    out << "\n\n";
    Table files({{"file"}, {"bytes", kRight}, {"size", kRight}});
    for (const FileEntry& file : manifest.files)
        files.add({file.name, std::to_string(file.bytes), size_text(file.bytes)});
    files.print(out);
    out << '\n';
    Table tensors({{"tensor"}, {"type"}, {"shape"}, {"bytes", kRight}, {"pieces", kRight}});
    for (const TensorEntry& tensor : manifest.tensors)
        tensors.add({tensor.name, to_string(tensor.type), shape_text(tensor),
                     std::to_string(tensor.bytes()), std::to_string(tensor.pieces.size())});
    tensors.print(out);
}

Json one_json(Json record, const TensorEntry& tensor,
              const std::optional<TensorStatistics>& statistics) {
    record["tensor"] = tensor_json(tensor);
    Json& pieces = record["tensor"]["pieces"] = Json::array();
    for (const TensorPiece& piece : tensor.pieces)
        pieces.push_back(Json{{"file", piece.file},
                              {"offset", piece.offset},
                              {"begin", piece.begin},
                              {"bytes", piece.bytes},
                              {"blocks", piece.blocks.size()}});
    if (statistics)
        record["tensor"]["statistics"] = Json{{"min", statistics->min},
                                              {"max", statistics->max},
                                              {"mean", statistics->mean},
                                              {"rms", statistics->rms},
                                              {"values", statistics->values},
                                              {"zeros", statistics->zeros},
                                              {"not_finite", statistics->not_finite}};
    return record;
}

void print_one(const TensorEntry& tensor, const std::optional<TensorStatistics>& statistics,
               std::ostream& out) {
    out << "tensor: " << printable(tensor.name) << "\ntype: " << to_string(tensor.type)
        << "\nshape: " << shape_text(tensor) << "\nbytes: " << tensor.bytes() << '\n';
    if (statistics)
        out << "min: " << number_text(statistics->min) << "\nmax: " << number_text(statistics->max)
            << "\nmean: " << number_text(statistics->mean)
            << "\nrms: " << number_text(statistics->rms) << "\nzero: " << statistics->zeros
            << " of " << statistics->values << "\nnot finite: " << statistics->not_finite << " of "
            << statistics->values << '\n';
    out << '\n';
    Table pieces({{"file"},
                  {"offset", kRight},
                  {"from byte", kRight},
                  {"bytes", kRight},
                  {"blocks", kRight}});
    for (const TensorPiece& piece : tensor.pieces)
        pieces.add({piece.file, std::to_string(piece.offset), std::to_string(piece.begin),
                    std::to_string(piece.bytes), std::to_string(piece.blocks.size())});
    pieces.print(out);
}

const TensorEntry& find_tensor(const Manifest& manifest, const std::string& name,
                               const std::string& see) {
    if (const TensorEntry* tensor = manifest.find(name)) return *tensor;
    std::vector<std::string> names;
    for (const TensorEntry& tensor : manifest.tensors) names.push_back(tensor.name);
    const std::optional<std::string> near = nearest(name, names);
    throw Error(ExitCode::kUsage,
                checkpoint_name(manifest.step) + " has no tensor '" + printable(name) + "'" +
                    (near ? "; did you mean '" + printable(*near) + "'?" : "") + "\n  see: " + see);
}

void show_tensor(const CheckpointShowOptions& options, const CheckpointTarget& target,
                 const FoundCheckpoint& found, const Manifest& manifest, Context& context) {
    const TensorEntry& tensor = find_tensor(manifest, options.tensor, target.command("show"));
    std::optional<TensorStatistics> statistics;
    if (is_float(tensor.type)) statistics = statistics_of(found.path, manifest, tensor);
    if (options.json)
        return print_json(one_json(head_json(target, found, manifest), tensor, statistics),
                          context.out);
    print_head(found, manifest, context.out);
    print_one(tensor, statistics, context.out);
}

}  // namespace

void add_checkpoint_show(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckpointShowOptions>();
    CLI::App* command = app.add_subcommand("show", "Show what is in one checkpoint");
    add_checkpoint_options(*command, *options);
    command->add_option("--step", options->step, "Which one (default: the newest)");
    command->add_option("--tensor", options->tensor,
                        "One tensor: where it lies, and what its values are like");
    command->callback(
        [options, &context] { context.exit_code = run_checkpoint_show(*options, context); });
}

int run_checkpoint_show(const CheckpointShowOptions& options, Context& context) {
    const CheckpointTarget target = find_checkpoints(options.runs, options.target);
    const FoundCheckpoint& found = target.choose(options.step);
    const Manifest manifest = read_manifest(found.path);
    if (!options.tensor.empty()) {
        show_tensor(options, target, found, manifest, context);
    } else if (options.json) {
        print_json(all_json(head_json(target, found, manifest), manifest), context.out);
    } else {
        print_head(found, manifest, context.out);
        print_all(manifest, context.out);
    }
    if (!options.json)
        context.out << "next: " << target.command("verify")
                    << (target.single ? "" : " --step " + std::to_string(found.step)) << '\n';
    return 0;
}

}  // namespace r1::cli
