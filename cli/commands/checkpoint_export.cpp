// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_export.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "cli/output/numbers.h"
#include "cli/output/progress.h"
#include "common/text.h"

namespace r1::cli {

void add_checkpoint_export(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckpointExportOptions>();
    CLI::App* command =
        app.add_subcommand("export", "Write the weights of a checkpoint as a safetensors file");
    add_checkpoint_options(*command, *options);
    command->add_option("--step", options->step, "Which one (default: the newest)");
    command->add_option("--to", options->to, "The file to write: FILE.safetensors")->required();
    command->add_option("--prefix", options->prefix,
                        "Only tensors under it, and their names without it (default: model/)");
    command->add_option("--dtype", options->type, "Round what is of a float type to it")
        ->check(CLI::IsMember({"float32", "bfloat16"}));
    command->add_flag("--force", options->force, "Replace a file that exists");
    command->callback(
        [options, &context] { context.exit_code = run_checkpoint_export(*options, context); });
}

int run_checkpoint_export(const CheckpointExportOptions& options, Context& context) {
    const CheckpointTarget target = find_checkpoints(options.runs, options.target);
    const FoundCheckpoint& found = target.choose(options.step);
    const Manifest manifest = read_manifest(found.path);
    ExportOptions how;
    how.prefix = options.prefix;
    how.float_type = parse_tensor_type(options.type);
    how.replace = options.force;
    BytesBar bar(context.err, context.terminal, "export " + checkpoint_name(manifest.step),
                 export_bytes(manifest, options.prefix));
    how.read_so_far = [&](std::uint64_t bytes) { bar.at(bytes); };
    const SafetensorsHeader header = export_safetensors(found.path, manifest, options.to, how);
    const SafetensorsTensor& last = header.tensors.back();
    const std::uint64_t bytes = header.data_offset + last.begin + last.bytes();
    if (options.json) {
        Json record = target.head();
        record["step"] = manifest.step;
        record["file"] = options.to.string();
        record["bytes"] = bytes;
        record["tensors"] = header.tensors.size();
        record["seconds"] = bar.seconds();
        print_json(record, context.out);
        return 0;
    }
    context.out << printable(options.to.string()) << ": "
                << counted(static_cast<std::int64_t>(header.tensors.size()), "tensor")
                << " of step " << manifest.step << ", " << size_text(bytes) << " at "
                << fixed(static_cast<double>(bytes) / 1e9 / std::max(bar.seconds(), 1e-9), 2)
                << " GB/s\n"
                << "next: " << target.command("show")
                << (target.single ? "" : " --step " + std::to_string(found.step)) << '\n';
    return 0;
}

}  // namespace r1::cli
