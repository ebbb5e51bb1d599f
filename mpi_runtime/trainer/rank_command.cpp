// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rank_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "checkpoint/attempt.h"
#include "common/error.h"
#include "common/file.h"
#include "common/host.h"
#include "common/json.h"
#include "common/log.h"
#include "mpi_runtime/comm/launched.h"
#include "mpi_runtime/trainer/evaluation.h"
#include "mpi_runtime/trainer/fence.h"
#include "mpi_runtime/trainer/saved_state.h"
#include "mpi_runtime/trainer/stop_request.h"
#include "mpi_runtime/trainer/train.h"
#include "mpi_runtime/trainer/watchdog.h"
#include "recipes/load.h"

namespace r1 {

namespace {

/// The arguments of all three commands; each reads what it declares.
struct RankOptions {
    std::filesystem::path run;
    std::filesystem::path output;
    int attempt = 0;
    std::optional<std::int64_t> step;
    std::optional<std::int64_t> prompts, samples, k, max_new_tokens;
    std::optional<double> temperature;
    std::string prompt;
    std::uint32_t count = 1;
    std::uint64_t seed = 1;
};

/// The checkpoint that eval and sample look at, and the stage that made it.
struct Subject {
    Subject(Session& session, std::optional<std::int64_t> wanted) : state(open(session, wanted)) {
        stage = state.state().at("stage").get<std::size_t>();
        actor = session.make_actor(session.recipe.stages[stage]);
        actor->set_parameters(state.parameters("model", actor->whole_layout()));
    }
    static SavedState open(Session& session, std::optional<std::int64_t> wanted) {
        std::vector<Rejected> rejected;
        if (!wanted) wanted = newest_with_weights(session.run.checkpoints());
        if (!wanted)
            throw Error(ExitCode::kCheckpoint,
                        "run '" + session.run.run_id() + "' has no checkpoint yet");
        return SavedState(session.run.checkpoints() / checkpoint_name(*wanted));
    }
    /// A sample stage's checkpoint holds no weights; what came before it does.
    static std::optional<std::int64_t> newest_with_weights(const std::filesystem::path& folder) {
        const std::vector<std::int64_t> steps = list_checkpoints(folder);
        for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
            try {
                const SavedState state(folder / checkpoint_name(*step));
                if (state.has("model/model.embed_tokens.weight")) return *step;
            } catch (const Error& error) {
                log_warning("checkpoint " + checkpoint_name(*step) +
                            " is not used: " + error.what());
            }
        }
        return std::nullopt;
    }
    SavedState state;
    std::size_t stage = 0;
    std::unique_ptr<Actor> actor;
};

void run_train(Session& session, const RankOptions& options) {
    train(session, options.attempt);
}

void run_eval(Session& session, const RankOptions& options) {
    Subject subject(session, options.step);
    EvaluationSection section = session.recipe.evaluation;
    section.prompts = options.prompts.value_or(section.prompts);
    section.samples = options.samples.value_or(section.samples);
    section.k = options.k.value_or(std::min(section.k, section.samples));
    section.temperature = options.temperature.value_or(section.temperature);
    if (section.k > section.samples)
        throw Error(ExitCode::kUsage, "--k " + std::to_string(section.k) +
                                          " needs at least as many --samples, not " +
                                          std::to_string(section.samples));
    const EvaluationResult result = evaluate(session, *subject.actor, section);
    if (!session.leader()) return;
    Json record;
    record["schema"] = 1;
    record["step"] = subject.state.step();
    record["stage"] = session.recipe.stages[subject.stage].name;
    record.update(to_json(result));
    write_record(options.output, record);
}

void run_sample(Session& session, const RankOptions& options) {
    Subject subject(session, options.step);
    const EvaluationSection& defaults = session.recipe.evaluation;
    RolloutOptions rollout;
    rollout.rule = {options.temperature.value_or(defaults.temperature), defaults.top_p, 0};
    rollout.max_new_tokens =
        static_cast<std::int32_t>(options.max_new_tokens.value_or(defaults.max_new_tokens));
    rollout.end_of_text = session.tokenizer->end_of_text();
    rollout.key = make_key(options.seed, Purpose::kSample);
    const RolloutRequest request{0, session.tokenizer->encode_plain(options.prompt), 0,
                                 options.count};
    const std::vector<Completion> completions = subject.actor->generate({request}, rollout);
    if (!session.leader()) return;
    Json record;
    record["schema"] = 1;
    record["step"] = subject.state.step();
    record["completions"] = Json::array();
    for (const Completion& completion : completions) {
        std::vector<std::int32_t> tokens = completion.tokens;
        if (completion.ended) tokens.pop_back();
        double logprob = 0;
        for (const float value : completion.logprobs) logprob += static_cast<double>(value);
        record["completions"].push_back({{"text", session.tokenizer->decode(tokens)},
                                         {"tokens", completion.tokens.size()},
                                         {"ended", completion.ended},
                                         {"logprob", logprob}});
    }
    write_file_durably(options.output,
                       record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

using Command = void (*)(Session&, const RankOptions&);

Command parse(int argc, const char* const* argv, RankOptions& options) {
    CLI::App app{"One rank of a run. Started by r1ctl, not by hand"};
    app.require_subcommand(1);
    Command chosen = nullptr;
    const auto add = [&](const char* name, Command command) {
        CLI::App* sub = app.add_subcommand(name);
        sub->add_option("--run", options.run)->required();
        sub->callback([&chosen, command] { chosen = command; });
        return sub;
    };
    add("train", &run_train)->add_option("--attempt", options.attempt)->required();
    CLI::App* eval = add("eval", &run_eval);
    CLI::App* sample = add("sample", &run_sample);
    for (CLI::App* sub : {eval, sample}) {
        sub->add_option("--step", options.step);
        sub->add_option("--temperature", options.temperature)->check(CLI::NonNegativeNumber);
        sub->add_option("--output", options.output)->required();
    }
    eval->add_option("--prompts", options.prompts)->check(CLI::PositiveNumber);
    eval->add_option("--samples", options.samples)->check(CLI::PositiveNumber);
    eval->add_option("--k", options.k)->check(CLI::PositiveNumber);
    sample->add_option("--prompt", options.prompt)->required();
    sample->add_option("--count", options.count)->check(CLI::PositiveNumber);
    sample->add_option("--max-new-tokens", options.max_new_tokens)->check(CLI::PositiveNumber);
    sample->add_option("--seed", options.seed);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        throw Error(ExitCode::kUsage, error.what());
    }
    return chosen;
}

/// Tells the launcher why, then ends every rank: the others wait in a collective for this one. What
/// another rank's watchdog wrote about this one stands.
[[noreturn]] void fail(Communicator* comm, const RankOptions& options, ExitCode code,
                       const std::string& message) {
    log_error(message);
    const RunDirectory run(options.run);
    const int rank = comm != nullptr ? comm->rank() : launched_rank();
    try {
        if (options.attempt > 0 && !exists_now(run.attempt_error(options.attempt, rank)))
            write_rank_error(run, options.attempt,
                             {rank, node_name(), message, static_cast<int>(code)});
    } catch (const std::exception& second) {
        log_error(std::string("and the error could not be recorded: ") + second.what());
    }
    if (comm != nullptr) comm->abort(static_cast<int>(code));
    std::fflush(nullptr);
    std::_Exit(static_cast<int>(code));  // the launcher ends the others
}

/// Before MPI is started: that can hang too.
void start_watchdog(std::optional<Watchdog>& watchdog, const RankOptions& options,
                    const Recipe& recipe) {
    const std::int64_t limit = recipe.resources.watchdog.seconds;
    if (options.attempt == 0 || limit == 0) return;
    watchdog.emplace(Watchdog::Post{RunDirectory(options.run), options.attempt, launched_rank(),
                                    std::max(launched_ranks(), 1), static_cast<double>(limit)});
}

}  // namespace

int run_rank(int argc, const char* const* argv) {
    listen_for_stop();
    // A file that grows beyond `ulimit -f` is an error that names it, as on a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    start_log("rank " + std::to_string(launched_rank()) + "/" +
              std::to_string(std::max(launched_ranks(), 1)));
    RankOptions options;
    std::optional<Watchdog> watchdog;
    std::unique_ptr<Communicator> comm;
    try {
        const Command command = parse(argc, argv, options);
        Recipe recipe = load_trainable_recipe(RunDirectory(options.run).recipe());
        // One rank draws it, and has the whole model.
        if (command == &run_sample) recipe.parallel.tensor = 1;
        start_watchdog(watchdog, options, recipe);
        comm = make_world_communicator();
        {
            Session session(RunDirectory(options.run), std::move(recipe), *comm);
            command(session, options);
        }
        comm.reset();  // ending MPI waits for the others, under the watchdog's eyes
    } catch (const Error& error) {
        fail(comm.get(), options, error.code(), error.what());
    } catch (const std::bad_alloc&) {
        fail(comm.get(), options, ExitCode::kRunFailed, "out of memory");
    } catch (const std::exception& error) {
        fail(comm.get(), options, ExitCode::kRunFailed, error.what());
    }
    return 0;
}

}  // namespace r1
