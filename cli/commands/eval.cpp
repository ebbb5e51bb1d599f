// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/eval.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "checkpoint/run_directory.h"
#include "cli/history.h"
#include "cli/output/numbers.h"
#include "cli/rank_arguments.h"
#include "cli/rank_job.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "recipes/load.h"

namespace r1::cli {

namespace {

/// "2 truncated" for a count, "32.8% truncated" for a share.
std::string truncated_text(const Json& result) {
    const Json value = result.value("truncated", Json(0));
    const std::string text =
        value.is_number_float() ? fixed(100 * value.get<double>(), 1) + "%" : value.dump();
    return text + " truncated";
}

}  // namespace

void add_eval(CLI::App& app, Context& context) {
    auto options = std::make_shared<EvalOptions>();
    CLI::App* command = app.add_subcommand("eval", "pass@1 and pass@k on held-out prompts");
    command->add_option("run", options->run, "Run id, the start of one, or a path")->required();
    command->add_option("--step", options->step, "Checkpoint (default: the newest)");
    command->add_option("--prompts", options->prompts, "Held-out prompts")
        ->check(CLI::PositiveNumber);
    command->add_option("--samples", options->samples, "Outputs a prompt")
        ->check(CLI::PositiveNumber);
    command->add_option("--k", options->k, "k of pass@k")->check(CLI::PositiveNumber);
    command->add_option("--temperature", options->temperature, "0 takes the likeliest token")
        ->check(CLI::NonNegativeNumber);
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    add_runs_option(*command, options->runs);
    command->callback([options, &context] { context.exit_code = run_eval(*options, context); });
}

int run_eval(const EvalOptions& options, Context& context) {
    const RunDirectory run = find_run(std::filesystem::absolute(options.runs), options.run);
    const Recipe recipe = load_recipe(run.recipe());
    RankJob job;
    job.arguments = {"eval", "--run", run.root().string()};
    add_argument(job.arguments, "--step", options.step);
    add_argument(job.arguments, "--prompts", options.prompts);
    add_argument(job.arguments, "--samples", options.samples);
    add_argument(job.arguments, "--k", options.k);
    add_argument(job.arguments, "--temperature", options.temperature);
    job.ranks = recipe.resources.ranks;
    job.threads_per_rank = recipe.resources.threads_per_rank;
    const Json result = run_rank_job(job);
    const auto evaluation = parse_evaluation(result);
    if (!evaluation)
        throw Error(ExitCode::kRunFailed, "the ranks wrote no result that makes sense");
    if (options.json) {
        context.out << result.dump(2) << '\n';
        return 0;
    }
    context.out << "step " << evaluation->step << ": pass@1 " << fixed(evaluation->pass_1, 3)
                << " (95% interval " << fixed(evaluation->low, 3) << " to "
                << fixed(evaluation->high, 3) << "), pass@" << evaluation->k << " "
                << fixed(evaluation->pass_k, 3) << ", " << counted(evaluation->prompts, "prompt")
                << " x " << counted(evaluation->samples, "sample") << ", " << truncated_text(result)
                << ", " << result.value("verifier_errors", Json(0)).dump()
                << " verifier errors\nnext: " << next_command("sample", run) << " PROMPT\n";
    return 0;
}

}  // namespace r1::cli
