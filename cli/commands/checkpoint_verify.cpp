// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_verify.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "checkpoint/checkpoint.h"
#include "cli/output/numbers.h"
#include "cli/output/progress.h"
#include "common/error.h"
#include "common/text.h"

namespace r1::cli {

namespace {

/// What the reading of one checkpoint has shown.
struct Proof {
    FoundCheckpoint checkpoint;
    std::size_t tensors = 0;
    std::uint64_t bytes = 0;
    double seconds = 0;
    std::string problem;  ///< the manifest's, or with the size of a file: nothing was read then
    std::vector<Damage> damage;
    std::vector<std::uint64_t> damaged_bytes;  ///< of each block; 0: no block

    bool ok() const { return problem.empty() && damage.empty(); }
    double gigabytes_per_second() const {
        return static_cast<double>(bytes) / 1e9 / std::max(seconds, 1e-9);
    }
    std::string name() const { return checkpoint.path.filename().string(); }
};

std::uint64_t block_bytes_of(const Manifest& manifest, const Damage& damage) {
    const TensorEntry* tensor = damage.tensor.empty() ? nullptr : manifest.find(damage.tensor);
    if (tensor == nullptr) return 0;
    for (const TensorPiece& piece : tensor->pieces)
        if (piece.file == damage.file && damage.offset >= piece.offset &&
            damage.offset - piece.offset < piece.bytes)
            return std::min(manifest.block_bytes, piece.offset + piece.bytes - damage.offset);
    return 0;
}

Proof prove(const FoundCheckpoint& checkpoint, Context& context) {
    Proof proof;
    proof.checkpoint = checkpoint;
    try {
        const Manifest manifest = read_manifest(checkpoint.path);
        proof.tensors = manifest.tensors.size();
        for (const FileEntry& file : manifest.files) proof.bytes += file.bytes;
        BytesBar bar(context.err, context.terminal, "verify " + printable(proof.name()),
                     proof.bytes);
        VerifyOptions options;
        options.read_so_far = [&](std::uint64_t bytes) { bar.at(bytes); };
        proof.damage = find_damage(checkpoint.path, manifest, options);
        proof.seconds = bar.seconds();
        for (const Damage& damage : proof.damage)
            proof.damaged_bytes.push_back(block_bytes_of(manifest, damage));
    } catch (const Error& e) {
        proof.problem = e.what();
    }
    return proof;
}

Json to_json(const Proof& proof) {
    Json damage = Json::array();
    for (std::size_t i = 0; i < proof.damage.size(); ++i) {
        const Damage& one = proof.damage[i];
        const bool block = !one.tensor.empty();
        damage.push_back(Json{{"file", one.file},
                              {"tensor", block ? Json(one.tensor) : Json()},
                              {"block", block ? Json(one.block) : Json()},
                              {"offset", block ? Json(one.offset) : Json()},
                              {"bytes", block ? Json(proof.damaged_bytes[i]) : Json()},
                              {"text", one.text}});
    }
    return Json{{"step", proof.checkpoint.step},
                {"path", proof.checkpoint.path.string()},
                {"ok", proof.ok()},
                {"tensors", proof.tensors},
                {"bytes", proof.bytes},
                {"seconds", proof.seconds},
                {"gb_per_second", proof.gigabytes_per_second()},
                {"problem", proof.problem},
                {"damage", std::move(damage)}};
}

void print(const Proof& proof, std::ostream& out) {
    out << printable(proof.name()) << ": ";
    if (!proof.problem.empty()) {
        out << "damaged: " << printable(proof.problem) << '\n';
        return;
    }
    if (proof.damage.empty())
        out << "ok (" << counted(static_cast<std::int64_t>(proof.tensors), "tensor") << ", ";
    else
        out << "damaged in " << counted(static_cast<std::int64_t>(proof.damage.size()), "place")
            << " (";
    out << size_text(proof.bytes) << " read at " << fixed(proof.gigabytes_per_second(), 2)
        << " GB/s)\n";
    for (const Damage& damage : proof.damage) out << "  " << damage.text << '\n';
}

}  // namespace

void add_checkpoint_verify(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckpointVerifyOptions>();
    CLI::App* command = app.add_subcommand("verify", "Read every byte and check its hash");
    add_checkpoint_options(*command, *options);
    command->add_option("--step", options->step, "Only this one (default: all)");
    command->footer("Exit codes: 0 every byte is as it was written, 5 something is damaged.");
    command->callback(
        [options, &context] { context.exit_code = run_checkpoint_verify(*options, context); });
}

int run_checkpoint_verify(const CheckpointVerifyOptions& options, Context& context) {
    const CheckpointTarget target = find_checkpoints(options.runs, options.target);
    const std::vector<FoundCheckpoint> chosen = target.choose_all(options.step);
    Json record = target.head();
    record["checkpoints"] = Json::array();
    std::string damaged;
    for (const FoundCheckpoint& checkpoint : chosen) {
        const Proof proof = prove(checkpoint, context);
        if (!proof.ok()) damaged += (damaged.empty() ? "" : ", ") + printable(proof.name());
        if (options.json)
            record["checkpoints"].push_back(to_json(proof));
        else
            print(proof, context.out);
    }
    record["ok"] = damaged.empty();
    if (options.json)
        print_json(record, context.out);
    else
        context.out << "next: "
                    << target.command(damaged.empty() || target.single ? "show" : "list") << '\n';
    if (damaged.empty()) return 0;
    context.err << "r1ctl: damaged: " << damaged
                << "; `r1ctl resume` goes on from the newest that verifies\n";
    return static_cast<int>(ExitCode::kCheckpoint);
}

}  // namespace r1::cli
