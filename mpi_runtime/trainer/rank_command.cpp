// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rank_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/attempt.h"
#include "common/error.h"
#include "common/file.h"
#include "common/gpu_inventory.h"
#include "common/json.h"
#include "common/log.h"
#include "common/time.h"
#include "mpi_runtime/trainer/evaluation.h"
#include "mpi_runtime/trainer/pipeline.h"
#include "mpi_runtime/trainer/snapshot.h"
#include "mpi_runtime/trainer/stop_request.h"
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
        actor.emplace(session, session.recipe.stages[stage]);
        actor->policy.set_parameters(state.parameters("model", actor->policy.model().layout()));
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
    std::optional<Actor> actor;
};

std::string describe_device(const Session& session) {
    const std::int64_t threads = session.recipe.resources.threads_per_rank;
    std::string text = std::string(session.backend->name()) + ", " + std::to_string(threads) +
                       (threads == 1 ? " thread" : " threads");
    const std::size_t gpus = list_gpus().size();
    if (gpus > 0) text += " (" + std::to_string(gpus) + " GPUs present, not used by this build)";
    return text;
}

void record_ranks(Session& session, int attempt) {
    Json own;
    own["rank"] = session.comm.rank();
    own["host"] = host_name();
    own["pid"] = ::getpid();
    own["device"] = describe_device(session);
    std::vector<RankPlace> places;
    for (const std::string& text : session.comm.all_gather(own.dump())) {
        const Json place = Json::parse(text);
        places.push_back({place.at("rank"), place.at("host"), place.at("pid"), place.at("device")});
    }
    if (!session.leader()) return;
    write_ranks(session.run, attempt, places);
    for (const RankPlace& place : places)
        log_info("rank " + std::to_string(place.rank) + " of " + std::to_string(places.size()) +
                 " runs on " + place.host + ", pid " + std::to_string(place.pid) + ", " +
                 place.device);
}

void run_train(Session& session, const RankOptions& options) {
    record_ranks(session, options.attempt);
    const OutcomeRecord outcome = run_pipeline(session, options.attempt);
    session.comm.barrier();
    if (session.leader()) write_outcome(session.run, options.attempt, outcome);
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
    const std::vector<Completion> completions =
        subject.actor->rollout.generate(subject.actor->policy.parameters(), {request}, rollout);
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

/// Tells the launcher why, then ends every rank: the others wait in a collective for this one.
[[noreturn]] void fail(Communicator& comm, const RankOptions& options, ExitCode code,
                       const std::string& message) {
    log_error(message);
    try {
        if (options.attempt > 0)
            write_rank_error(RunDirectory(options.run), options.attempt,
                             {comm.rank(), host_name(), message, static_cast<int>(code)});
    } catch (const std::exception& second) {
        log_error(std::string("and the error could not be recorded: ") + second.what());
    }
    comm.abort(static_cast<int>(code));
    std::abort();  // GCC does not believe [[noreturn]] of a virtual call
}

}  // namespace

int run_rank(int argc, const char* const* argv) {
    listen_for_stop();
    // A file that grows beyond `ulimit -f` is an error that names it, as on a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const std::unique_ptr<Communicator> comm = make_world_communicator();
    start_log("rank " + std::to_string(comm->rank()) + "/" + std::to_string(comm->size()));
    RankOptions options;
    try {
        const Command command = parse(argc, argv, options);
        Session session(RunDirectory(options.run), load_recipe(RunDirectory(options.run).recipe()),
                        *comm);
        command(session, options);
    } catch (const Error& error) {
        fail(*comm, options, error.code(), error.what());
    } catch (const std::bad_alloc&) {
        fail(*comm, options, ExitCode::kRunFailed, "out of memory");
    } catch (const std::exception& error) {
        fail(*comm, options, ExitCode::kRunFailed, error.what());
    }
    return 0;
}

}  // namespace r1
