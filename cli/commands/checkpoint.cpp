// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint.h"

#include <CLI/CLI.hpp>
#include <array>

#include "cli/commands/checkpoint_diff.h"
#include "cli/commands/checkpoint_export.h"
#include "cli/commands/checkpoint_list.h"
#include "cli/commands/checkpoint_prune.h"
#include "cli/commands/checkpoint_show.h"
#include "cli/commands/checkpoint_verify.h"

namespace r1::cli {

namespace {

constexpr std::array kVerbs = {&add_checkpoint_list, &add_checkpoint_show,   &add_checkpoint_verify,
                               &add_checkpoint_diff, &add_checkpoint_export, &add_checkpoint_prune};

}  // namespace

void add_checkpoint(CLI::App& app, Context& context) {
    CLI::App* command =
        app.add_subcommand("checkpoint", "Look into checkpoints, prove them, hand them on");
    command->require_subcommand(1);
    for (const auto add : kVerbs) add(*command, context);
}

}  // namespace r1::cli
