// SPDX-License-Identifier: Apache-2.0
#include "cli/run.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <vector>

#include "cli/commands/attempt.h"
#include "cli/commands/cancel.h"
#include "cli/commands/check.h"
#include "cli/commands/checkpoint.h"
#include "cli/commands/cost.h"
#include "cli/commands/doctor.h"
#include "cli/commands/eval.h"
#include "cli/commands/logs.h"
#include "cli/commands/plan.h"
#include "cli/commands/recipe.h"
#include "cli/commands/resume.h"
#include "cli/commands/run.h"
#include "cli/commands/sample.h"
#include "cli/commands/status.h"
#include "cli/commands/submit.h"
#include "cli/commands/wait.h"
#include "cli/commands/watch.h"
#include "cli/context.h"
#include "common/error.h"
#include "common/text.h"
#include "recipes/load.h"

namespace r1::cli {

namespace {

constexpr int kUsage = static_cast<int>(ExitCode::kUsage);

/// A new verb is one name here.
constexpr std::array kVerbs = {&add_run,        &add_submit, &add_plan,   &add_check,  &add_status,
                               &add_watch,      &add_wait,   &add_logs,   &add_cost,   &add_cancel,
                               &add_resume,     &add_eval,   &add_sample, &add_recipe, &add_doctor,
                               &add_checkpoint, &add_attempt};

std::vector<std::string> names_of(const std::vector<CLI::App*>& commands) {
    std::vector<std::string> names;
    for (const CLI::App* command : commands) names.push_back(command->get_name());
    return names;
}

/// CLI11 says only "A subcommand is required" for a misspelt verb; this names it. Throws Error.
void refuse_unknown_verbs(CLI::App& app, int argc, const char* const* argv) {
    CLI::App* parent = &app;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const auto commands = parent->get_subcommands([](CLI::App*) { return true; });
        if (commands.empty() || word.starts_with('-')) return;
        const auto named = [&](const CLI::App* command) { return command->get_name() == word; };
        const auto match = std::find_if(commands.begin(), commands.end(), named);
        if (match == commands.end()) {
            const auto near = nearest(word, names_of(commands));
            const std::string family = parent == &app ? "r1ctl" : "r1ctl " + parent->get_name();
            throw Error(ExitCode::kUsage, "unknown command '" + printable(word) + "'" +
                                              (near ? "; did you mean '" + *near + "'?" : "") +
                                              "\n  see: " + family + " --help");
        }
        parent = *match;
    }
}

void set_up(CLI::App& app, Context& context) {
    app.name("r1ctl");
    app.set_version_flag("--version", "r1ctl " R1_VERSION, "Print the version and exit");
    app.require_subcommand(1);
    app.footer(
        "Exit codes: 0 ok, 1 the run failed, 2 usage or recipe, 3 the scheduler refused,\n"
        "4 MPI, NCCL, CUDA or HDF5 failed, 5 a bad checkpoint, 6 over budget.\n"
        "Runs are kept in $R1CTL_RUNS, or in ./runs.");
    for (const auto add : kVerbs) add(app, context);
}

int fail(std::ostream& err, const std::string& message, int code) {
    err << "r1ctl: " << message << '\n';
    return code;
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
    Context context{out, err, &err == &std::cerr && ::isatty(STDERR_FILENO) == 1};
    try {
        CLI::App app{"Trains reasoning models with GRPO over MPI"};
        set_up(app, context);
        try {
            refuse_unknown_verbs(app, argc, argv);
            app.parse(argc, argv);
            return context.exit_code;
        } catch (const CLI::Success& e) {  // --help, --version
            return app.exit(e, out, err);
        } catch (const CLI::ParseError& e) {
            if (argc < 2) {
                err << app.help();
                return kUsage;
            }
            const auto verbs = app.get_subcommands();
            const std::string verb = verbs.empty() ? "" : " " + verbs.front()->get_name();
            return fail(err, std::string(e.what()) + "\n  see: r1ctl" + verb + " --help", kUsage);
        }
    } catch (const RecipeError& e) {  // as it is: editors jump to file:line:column
        const std::string report = e.what();
        err << report << (report.ends_with('\n') ? "" : "\n");
        return kUsage;
    } catch (const Error& e) {
        return fail(err, e.what(), static_cast<int>(e.code()));
    } catch (const std::exception& e) {
        return fail(err, e.what(), static_cast<int>(ExitCode::kRunFailed));
    }
}

}  // namespace r1::cli
