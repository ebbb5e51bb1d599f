// SPDX-License-Identifier: Apache-2.0
#include "cli/diagnosis.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "cli/output/numbers.h"
#include "cli/rank_program.h"
#include "common/error.h"
#include "common/subprocess.h"
#include "common/units.h"
#include "slurm/profile.h"
#include "slurm/scheduler.h"
#include "slurm/shared_folder.h"
#include "slurm/slurm_command.h"

namespace r1::cli {

namespace {

using enum Diagnosis::Status;

constexpr std::chrono::seconds kLimit{30};

bool is_on_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    return false;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

Captured ask(std::vector<std::string> words) {
    Command command;
    command.arguments = std::move(words);
    return run_and_capture(command, {.errors = true, .limit = kLimit});
}

Diagnosis diagnose_mpirun() {
    if (!is_on_path("mpirun"))
        return {kMissing, "mpirun", "it is not on PATH; r1ctl run needs it",
                "apt install openmpi-bin, or load the cluster's MPI module"};
    const Captured version = ask({"mpirun", "--version"});
    if (!version.end.ok())
        return {kWarning, "mpirun", "'mpirun --version' fails: " + first_line(version.errors), ""};
    return {kOk, "mpirun", first_line(version.output), ""};
}

Diagnosis diagnose_rank_program() {
    try {
        return {kOk, "rank program", find_rank_program().string(), ""};
    } catch (const Error& e) {
        return {kMissing, "rank program", e.what(), ""};
    }
}

Diagnosis diagnose_gpus() {
    if (!is_on_path("nvidia-smi"))
        return {kWarning, "GPUs", "no nvidia-smi here: fine on a login node, and ranks use CPUs",
                ""};
    const Captured list = ask({"nvidia-smi", "-L"});
    if (!list.end.ok())
        return {kWarning, "GPUs", "nvidia-smi fails: " + first_line(list.output + list.errors), ""};
    const auto count = std::count(list.output.begin(), list.output.end(), '\n');
    return {kOk, "GPUs", counted(count, "GPU") + " here; " + first_line(list.output), ""};
}

/// Runs a question to Slurm; an answer that fails is one finding.
template <class Question>
void diagnose(std::vector<Diagnosis>& found, Diagnosis otherwise, const Question& question) {
    try {
        question();
    } catch (const Error& e) {
        otherwise.detail = e.what();
        found.push_back(std::move(otherwise));
    }
}

bool diagnose_commands(std::vector<Diagnosis>& found) {
    std::string missing;
    for (const char* name : {"sbatch", "squeue", "scancel", "scontrol", "srun", "sinfo", "sacct"})
        if (!is_on_path(name)) missing += (missing.empty() ? "" : ", ") + std::string(name);
    if (!is_on_path("sbatch")) {
        found.push_back({kMissing, "Slurm", "sbatch is not on PATH: no cluster from here",
                         "r1ctl run RECIPE trains on this machine"});
        return false;
    }
    if (!missing.empty())
        found.push_back({kMissing, "Slurm's commands", missing + ": not on PATH", ""});
    const auto version = ask_slurm({"sbatch", "--version"}, kLimit);
    found.push_back({version.ok() ? kOk : kWarning, "Slurm",
                     version.ok() ? first_line(version.captured.output) : version.failure(), ""});
    return true;
}

void diagnose_controller(std::vector<Diagnosis>& found) {
    diagnose(found, {kMissing, "controller", "", "scontrol ping"}, [&] {
        const std::string ping = call_slurm({"scontrol", "ping"}, kLimit).captured.output;
        const bool up = ping.find("UP") != std::string::npos;
        found.push_back({up ? kOk : kMissing, "controller", first_line(ping),
                         up ? "" : "ask the administrators; jobs cannot be queued now"});
    });
}

void diagnose_accounting(std::vector<Diagnosis>& found) {
    diagnose(found, {kWarning, "accounting", "", ""}, [&] {
        call_slurm({"sacct", "-n", "-X", "-S", "now", "-o", "JobID"}, kLimit);
        found.push_back({kOk, "accounting", "sacct answers", ""});
    });
}

void diagnose_mpi(std::vector<Diagnosis>& found) {
    diagnose(found, {kWarning, "MPI of srun", "", "srun --mpi=list"}, [&] {
        const std::vector<std::string> plugins = read_mpi_plugins();
        std::string all;
        for (const std::string& plugin : plugins) all += (all.empty() ? "" : ", ") + plugin;
        const bool pmix = std::find(plugins.begin(), plugins.end(), "pmix") != plugins.end();
        found.push_back(
            {pmix ? kOk : kWarning, "MPI of srun",
             pmix ? all : "no pmix, which Open MPI needs (there is: " + all + ")",
             pmix ? "" : "write `launcher: mpirun` or `mpi: pmi2` into the cluster file"});
    });
}

void diagnose_config(std::vector<Diagnosis>& found) {
    diagnose(found, {kWarning, "settings", "", "scontrol show config"}, [&] {
        auto config = read_config();
        std::string text;
        for (const char* key : {"KillWait", "PreemptMode", "JobRequeue", "MaxArraySize"})
            if (config.contains(key))
                text += (text.empty() ? "" : ", ") + std::string(key) + " " + config[key];
        found.push_back({kOk, "settings", text, ""});
        const std::string& tracked = config["AccountingStorageTRES"];
        const bool gpus = tracked.find("gres/gpu") != std::string::npos;
        found.push_back({gpus ? kOk : kWarning, "accounting of GPUs",
                         gpus ? tracked
                              : "gres/gpu is not in AccountingStorageTRES: GPU-hours come from "
                                "the runs' own records only",
                         ""});
    });
}

void diagnose_partitions(std::vector<Diagnosis>& found) {
    diagnose(found, {kMissing, "partitions", "", "sinfo"}, [&] {
        for (const PartitionFacts& partition : read_partitions()) {
            const bool usable = partition.up && partition.usable_nodes > 0;
            found.push_back(
                {usable ? kOk : kWarning,
                 "partition " + partition.name + (partition.is_default ? " (the default)" : ""),
                 partition_text(partition), ""});
        }
    });
}

Diagnosis diagnose_profiles() {
    const Diagnosis none{kMissing, "cluster file", "there is none; r1ctl submit needs it",
                         "mkdir -p ~/.config/r1ctl && r1ctl doctor --profile > "
                         "~/.config/r1ctl/clusters.yaml"};
    try {
        const auto files = profile_files();
        if (files.empty()) return none;
        std::string text;
        for (const auto& file : files) text += (text.empty() ? "" : ", ") + file.string();
        std::string names;
        for (const ClusterProfile& cluster : load_profiles(files))
            names += (names.empty() ? "" : ", ") + cluster.name;
        return {kOk, "cluster file", text + " (" + names + ")", "r1ctl check RECIPE --cluster"};
    } catch (const Error& e) {
        return {kWarning, "cluster file", e.what(), ""};
    }
}

/// Of every cluster; none when the files do not load, which is told elsewhere.
std::vector<std::string> shared_folders() {
    std::vector<std::string> folders;
    try {
        for (const ClusterProfile& cluster : load_profiles(profile_files()))
            folders.insert(folders.end(), cluster.shared_folders.begin(),
                           cluster.shared_folders.end());
    } catch (const Error&) {
        folders.clear();
    }
    return folders;
}

}  // namespace

const char* to_string(Diagnosis::Status status) {
    if (status == kOk) return "ok";
    return status == kMissing ? "missing" : "warning";
}

std::string partition_text(const PartitionFacts& partition) {
    std::string each =
        partition.cores_per_node > 0 ? counted(partition.cores_per_node, "core") : "";
    for (const GpuCount& gpu : partition.gpus)
        each += (each.empty() ? "" : " and ") +
                counted(gpu.count, gpu.type.empty() ? "GPU" : gpu.type + " GPU");
    const std::string limit =
        partition.time_limit_s
            ? "at most " + to_string(Duration{*partition.time_limit_s}) + " a job"
            : "no time limit";
    return std::string(partition.up ? "up" : "not up") + ", " +
           std::to_string(partition.usable_nodes) + " of " + counted(partition.nodes, "node") +
           " usable" + (each.empty() ? "" : ", " + each + " each") + ", " + limit;
}

std::vector<Diagnosis> diagnose_machine() {
    return {diagnose_mpirun(), diagnose_rank_program(), diagnose_gpus()};
}

std::vector<Diagnosis> diagnose_slurm() {
    std::vector<Diagnosis> found;
    if (!diagnose_commands(found)) return found;
    diagnose_controller(found);
    // The others would each wait for a controller that does not answer.
    if (found.back().status != kOk) return found;
    diagnose_accounting(found);
    diagnose_mpi(found);
    diagnose_config(found);
    diagnose_partitions(found);
    return found;
}

std::vector<Diagnosis> diagnose_setup(const std::filesystem::path& runs) {
    std::vector<Diagnosis> found{diagnose_profiles()};
    std::string names;
    for (const std::string& name : foreign_slurm_variables())
        names += (names.empty() ? "$" : ", $") + name;
    if (!names.empty())
        found.push_back({kWarning, "environment",
                         names + " would change what jobs do; r1ctl keeps "
                                 "them from Slurm's commands",
                         ""});
    const auto folder = std::filesystem::absolute(runs).lexically_normal();
    const bool shared = nodes_may_see(folder, shared_folders());
    found.push_back({shared ? kOk : kWarning, "runs folder",
                     folder.string() + (shared ? ""
                                               : " may lie on a disk that only this machine "
                                                 "has; a cluster's nodes must see it"),
                     shared ? ""
                            : "export R1CTL_RUNS=FOLDER, one that the nodes see, or add this one "
                              "to shared_folders in the cluster file"});
    return found;
}

}  // namespace r1::cli
