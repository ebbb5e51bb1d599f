// SPDX-License-Identifier: Apache-2.0
#include "slurm/job_script.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"

namespace r1 {

namespace {

/// What Slurm leaves between SIGTERM and SIGKILL, less what the epilogue takes.
constexpr std::int64_t kEpilogueSeconds = 10;
constexpr std::int64_t kLeastGraceSeconds = 2;

std::string number(std::int64_t value) {
    return std::to_string(value);
}

std::string words(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& word : list) text += " " + shell_quoted(word);
    return text;
}

std::string exports(const std::map<std::string, std::string>& variables) {
    std::string text;
    for (const auto& [name, value] : variables)
        text += "export " + name + "=" + shell_quoted(value) + "\n";
    return text;
}

std::string heading(const JobPlace& place) {
    return "#!/bin/bash\n"
           "# Job " +
           number(place.job) + " of run " + place.run.filename().string() +
           ", written by r1ctl. The recipe and the cluster's profile lie beside it.\n"
           "# Its options were arguments of sbatch.\n"
           "set -u\n\n";
}

std::string environment(const JobPlan& plan, const ClusterProfile& profile, const JobPlace& place) {
    std::string text =
        "# The job was given no environment but this. The steps take it over.\n"
        "export SLURM_EXPORT_ENV=ALL\n" +
        exports(place.environment) + exports(profile.environment) +
        "export OMP_NUM_THREADS=" + number(plan.threads_per_rank) + "\n";
    if (!profile.modules.empty())
        text +=
            "command -v module >/dev/null || . /etc/profile\n"
            "module load" +
            words(profile.modules) + " || exit 1\n";
    return text + "\nreadonly run=" + shell_quoted(place.run.string()) +
           "\nreadonly r1ctl=" + shell_quoted(place.r1ctl.string()) +
           "\nexport R1CTL_RANK=" + shell_quoted(place.rank_program.string()) + "\n\n";
}

/// A trap runs only between commands of bash: the ranks run in the background.
std::string stopping(const ClusterProfile& profile) {
    const std::int64_t grace =
        std::max(kLeastGraceSeconds, profile.kill_wait.seconds - kEpilogueSeconds);
    return R"sh(ranks=
signalled=0
deadline=0
stop() {
    signalled=1
    [ -n "$ranks" ] || return
    # The ranks save at the next step boundary and stop.
    kill -s USR2 "$ranks" 2>/dev/null
    # At the time limit Slurm kills everything soon: ranks that do not get there in time are
    # given up, so that the epilogue has time left.
    if [ "$deadline" -gt 0 ] && [ "$(date +%s)" -ge "$((deadline - 5))" ]; then
        (sleep )sh" +
           number(grace) +
           R"sh(; kill -s KILL "$ranks") 2>/dev/null &
    fi
}
trap stop TERM INT USR2

)sh";
}

/// The prologue and the ranks are steps of this many tasks.
std::string step_size(const JobPlan& plan) {
    return " --nodes=" + number(plan.nodes) + " --ntasks=" + number(plan.ranks) +
           " --ntasks-per-node=" + number(plan.ranks_per_node) +
           " --cpus-per-task=" + number(plan.threads_per_rank);
}

std::string prologue(const JobPlan& plan, const JobPlace& place) {
    return R"sh(begun=$("$r1ctl" attempt begin --run "$run" --shell "$$" --job )sh" +
           number(place.job) +
           R"sh() || exit
[ -n "$begun" ] || exit 0
attempt=${begun% *}
deadline=${begun#* }
readonly folder=$run/attempts/$attempt

status=0
# Each node says what it has, and that it sees the run.
srun --mpi=none --nodes=)sh" +
           number(plan.nodes) + " --ntasks=" + number(plan.nodes) +
           R"sh( --ntasks-per-node=1 --cpus-per-task=1 --kill-on-bad-exit=0 \
    "$r1ctl" attempt node --run "$run" --attempt "$attempt" >>"$folder/log" 2>&1 || status=$?

)sh";
}

std::string launch(const JobPlan& plan, const ClusterProfile& profile) {
    std::string start;
    if (profile.launcher == RankLauncher::kSrun)
        // One visible GPU a rank would cut the ranks of a node off from each other's memory.
        start = "srun --mpi=" + shell_quoted(profile.mpi) + step_size(plan) +
                (plan.gpus_per_node > 0 ? " --gpu-bind=none" : "") + " --kill-on-bad-exit=1";
    else
        start = "mpirun -np " + number(plan.ranks) +
                " --map-by ppr:" + number(plan.ranks_per_node) + ":node --bind-to none";
    return "if [ \"$status\" -eq 0 ] && [ \"$signalled\" -eq 0 ]; then\n    " + start +
           words(profile.launcher_options) + " \\\n       " + words(profile.container) +
           R"sh( "$R1CTL_RANK" train --run "$run" --attempt "$attempt" >>"$folder/log" 2>&1 &
    ranks=$!
    # A signal from before it was there to hear of it.
    [ "$signalled" -eq 0 ] || { sleep 1; stop; }
    # A wait of bash that a signal interrupts may lose how a child ended that ends in that moment.
    # So it waits only once they are gone, and deaf.
    while kill -0 "$ranks" 2>/dev/null; do sleep 1; done
    trap '' TERM INT USR2
    wait "$ranks"
    status=$?
fi

)sh";
}

}  // namespace

std::string shell_quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

namespace {

/// A line break would end the line that a comment or a listing is made of; a NUL ends everything.
void check_text(const std::string& what, const std::string& text) {
    const auto bad = [](char c) { return c == '\0' || c == '\n' || c == '\r'; };
    if (std::any_of(text.begin(), text.end(), bad))
        throw Error(ExitCode::kUsage, what + " '" + printable(text) +
                                          "' has a line break or a NUL, which no job script can "
                                          "carry");
}

void check_texts(const ClusterProfile& profile, const JobPlace& place) {
    check_text("the run folder", place.run.string());
    check_text("the program", place.r1ctl.string());
    check_text("the rank program", place.rank_program.string());
    for (const auto& [name, value] : place.environment) check_text(name, value);
    for (const auto& [name, value] : profile.environment) check_text(name, value);
    for (const auto* list : {&profile.modules, &profile.container, &profile.launcher_options})
        for (const std::string& word : *list) check_text("the profile's word", word);
}

/// sbatch replaces %j and its like in the path of the output, and a backslash stops that.
std::string output_pattern(const std::filesystem::path& run) {
    std::string pattern;
    for (const char c : run.string()) pattern += c == '%' ? "%%" : std::string(1, c);
    if (pattern.find('\\') != std::string::npos)
        throw Error(ExitCode::kUsage, "the run folder '" + printable(run.string()) +
                                          "' has a backslash, which sbatch takes for its own; "
                                          "choose another with --runs or $R1CTL_RUNS");
    return pattern + "/slurm-%j.out";
}

std::string gpu_option(const JobPlan& plan, const ClusterProfile& profile) {
    const std::string count =
        (plan.gpu_type.empty() ? "" : plan.gpu_type + ":") + number(plan.gpus_per_node);
    return profile.gpu_request == GpuRequest::kGres ? "--gres=gpu:" + count
                                                    : "--gpus-per-node=" + count;
}

}  // namespace

std::string job_script(const JobPlan& plan, const ClusterProfile& profile, const JobPlace& place) {
    check_texts(profile, place);
    return heading(place) + environment(plan, profile, place) + stopping(profile) +
           prologue(plan, place) + launch(plan, profile) +
           R"sh(# Whatever happened: how it ended is written down, and what comes next is arranged.
trap '' TERM INT USR2
exec "$r1ctl" attempt end --run "$run" --attempt "$attempt" --status "$status" --signalled "$signalled"
)sh";
}

std::vector<std::string> sbatch_options(const JobPlan& plan, const ClusterProfile& profile,
                                        const JobPlace& place, const SubmitWishes& wishes) {
    std::vector<std::string> options{
        "--nodes=" + number(plan.nodes),
        "--ntasks-per-node=" + number(plan.ranks_per_node),
        "--cpus-per-task=" + number(plan.threads_per_rank),
        "--time=" + number(plan.time_limit_s / 60),
        "--partition=" + plan.partition,
        profile.requeue ? "--requeue" : "--no-requeue",
        "--open-mode=append",
        "--output=" + output_pattern(place.run),
        "--chdir=/",
        "--export=NIL",
        "--kill-on-invalid-dep=yes",
    };
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) options.push_back(std::string(name) + value);
    };
    if (plan.gpus_per_node > 0) options.push_back(gpu_option(plan, profile));
    if (profile.exclusive) options.emplace_back("--exclusive");
    add("--account=", profile.account);
    add("--qos=", profile.qos);
    add("--constraint=", profile.constraint);
    if (wishes.warning_s > 0) add("--signal=", "USR2@" + number(wishes.warning_s));
    // A run has one job at a time: singleton counts the jobs of one name, and the name is the
    // run's.
    std::string dependency = "singleton";
    for (const std::int64_t job : wishes.after) dependency += ",afterany:" + number(job);
    add("--dependency=", dependency);
    std::string excluded;
    for (const std::string& node : wishes.excluded)
        excluded += (excluded.empty() ? "" : ",") + node;
    add("--exclude=", excluded);
    if (wishes.hold) options.emplace_back("--hold");
    options.insert(options.end(), profile.submit_options.begin(), profile.submit_options.end());
    return options;
}

}  // namespace r1
