// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/sample.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "checkpoint/run_directory.h"
#include "cli/rank_arguments.h"
#include "cli/rank_job.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/text.h"
#include "recipes/load.h"

namespace r1::cli {

namespace {

/// The text with its line breaks; other control characters are escaped.
void print_text(const std::string& text, std::ostream& out) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) out << printable(line) << '\n';
}

void print_completions(const Json& result, std::ostream& out) {
    const auto completions = result.find("completions");
    if (completions == result.end() || !completions->is_array())
        throw Error(ExitCode::kRunFailed, "the ranks wrote no completions");
    std::size_t number = 0;
    for (const Json& completion : *completions) {
        if (completions->size() > 1) out << "--- " << ++number << '\n';
        const Json text = completion.is_object() ? completion.value("text", Json()) : Json();
        if (!text.is_string())
            throw Error(ExitCode::kRunFailed, "the ranks wrote a completion without text");
        print_text(text.get<std::string>(), out);
    }
}

}  // namespace

void add_sample(CLI::App& app, Context& context) {
    auto options = std::make_shared<SampleOptions>();
    CLI::App* command = app.add_subcommand("sample", "Complete a prompt from a checkpoint");
    command->add_option("run", options->run, "Run id, the start of one, or a path")->required();
    command->add_option("prompt", options->prompt, "Text to complete")->required();
    command->add_option("--step", options->step, "Checkpoint (default: the newest)");
    command->add_option("--count", options->count, "Completions")->check(CLI::PositiveNumber);
    command->add_option("--temperature", options->temperature, "0 takes the likeliest token")
        ->check(CLI::NonNegativeNumber);
    command->add_option("--max-new-tokens", options->max_new_tokens, "Length of a completion")
        ->check(CLI::PositiveNumber);
    command->add_option("--seed", options->seed, "Another seed, other completions");
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    add_runs_option(*command, options->runs);
    command->callback([options, &context] { context.exit_code = run_sample(*options, context); });
}

int run_sample(const SampleOptions& options, Context& context) {
    const RunDirectory run = find_run(std::filesystem::absolute(options.runs), options.run);
    RankJob job;
    job.arguments = {"sample", "--run", run.root().string(), "--prompt", options.prompt};
    add_argument(job.arguments, "--step", options.step);
    add_argument(job.arguments, "--count", options.count);
    add_argument(job.arguments, "--temperature", options.temperature);
    add_argument(job.arguments, "--max-new-tokens", options.max_new_tokens);
    add_argument(job.arguments, "--seed", options.seed);
    job.threads_per_rank = load_recipe(run.recipe()).resources.threads_per_rank;
    const Json result = run_rank_job(job);
    if (options.json)
        context.out << result.dump(2) << '\n';
    else
        print_completions(result, context.out);
    return 0;
}

}  // namespace r1::cli
