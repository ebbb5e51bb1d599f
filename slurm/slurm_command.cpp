// SPDX-License-Identifier: Apache-2.0
#include "slurm/slurm_command.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "common/error.h"
#include "slurm/scheduler.h"
#include "slurm/slurm_text.h"

namespace r1 {

namespace {

/// Where the cluster is, and how this user shows who they are.
constexpr std::array kKept{"SLURM_CONF",        "SLURM_CONF_SERVER", "SLURM_JWT",
                           "SLURM_SACK_SOCKET", "SLURM_SACK_KEY",    "SLURM_SACK_JWKS"};

/// Every family of variables that one of the commands reads.
constexpr std::array kDropped{"SLURM_*",  "SBATCH_*", "SALLOC_*",   "SRUN_*",
                              "SQUEUE_*", "SACCT_*",  "SCANCEL_*",  "SCONTROL_*",
                              "SINFO_*",  "SLURMD_*", "SLURMCTLD_*"};

Command slurm_command(const std::vector<std::string>& arguments, SlurmClock clock) {
    Command command{.arguments = arguments};
    command.without.assign(kDropped.begin(), kDropped.end());
    for (const char* name : kKept)
        if (const char* value = std::getenv(name); value != nullptr)
            command.environment.push_back(std::string(name) + "=" + value);
    // Slurm speaks English, but the C library says why a file or a connection fails in the locale's
    // words, and those are looked for.
    command.environment.emplace_back("LC_ALL=C");
    if (clock == SlurmClock::kEpoch) {
        command.environment.emplace_back("SLURM_TIME_FORMAT=%s");
        command.environment.emplace_back("TZ=UTC0");
    }
    return command;
}

}  // namespace

std::string SlurmAnswer::failure() const {
    if (captured.timed_out)
        return command + " did not answer within " + std::to_string(limit.count()) +
               " s; see with 'scontrol ping' whether the controller is up, then try again";
    std::string words = slurm_words(captured.errors);
    // sbatch and scontrol say some things on stdout.
    if (words.empty()) words = slurm_words(captured.output);
    if (words.empty())
        words = "it did not say why; 'scontrol ping' shows whether the controller is up";
    const std::string how = captured.end.signal != 0
                                ? "signal " + std::to_string(captured.end.signal)
                                : "exit code " + std::to_string(captured.end.exit_code);
    return command + " failed (" + how + "): " + words;
}

SlurmAnswer ask_slurm(const std::vector<std::string>& arguments, std::chrono::seconds limit,
                      SlurmClock clock) {
    SlurmAnswer answer{arguments.at(0), limit, {}};
    try {
        answer.captured =
            run_and_capture(slurm_command(arguments, clock), {.errors = true, .limit = limit});
    } catch (const Error& e) {
        throw Error(ExitCode::kScheduler,
                    std::string(e.what()) +
                        "; are Slurm's commands on PATH? Load the site's module for Slurm, or call "
                        "this on a login node of the cluster");
    }
    return answer;
}

SlurmAnswer call_slurm(const std::vector<std::string>& arguments, std::chrono::seconds limit,
                       SlurmClock clock) {
    SlurmAnswer answer = ask_slurm(arguments, limit, clock);
    if (!answer.ok()) throw Error(ExitCode::kScheduler, answer.failure());
    return answer;
}

std::vector<std::string> foreign_slurm_variables() {
    // The formats of squeue and sacct are not among these: nothing of a job depends on them.
    constexpr std::array<std::string_view, 3> kChanging{"SLURM_", "SBATCH_", "SALLOC_"};
    std::vector<std::string> names;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::string_view name = text.substr(0, text.find('='));
        if (std::find(kKept.begin(), kKept.end(), name) != kKept.end()) continue;
        if (name == "SLURM_TIME_FORMAT") continue;
        if (std::any_of(kChanging.begin(), kChanging.end(),
                        [name](std::string_view start) { return name.starts_with(start); }))
            names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace r1
