// SPDX-License-Identifier: Apache-2.0
#include "tests/system/slurm/cluster.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "common/file.h"
#include "common/subprocess.h"
#include "tests/system/processes.h"
#include "tests/system/small_recipe.h"

namespace r1 {

namespace {

constexpr std::chrono::seconds kAnswerLimit{60};
constexpr std::chrono::seconds kActLimit{120};

Captured call(const std::vector<std::string>& words, std::chrono::seconds limit) {
    return run_and_capture({.arguments = words}, {.errors = true, .limit = limit});
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, '|');) cells.push_back(cell);
    return cells;
}

std::int64_t number(const std::string& text) {
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    return digits ? std::stoll(text) : 0;
}

}  // namespace

std::string why_no_cluster() {
    if (::geteuid() != 0) return "it takes root";
    for (const char* program : {"/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/sbin/munged"})
        if (::access(program, X_OK) != 0) return std::string(program) + " is not installed";
    return "";
}

Cluster::Cluster(const std::vector<std::string>& options) {
    std::vector<std::string> words{"up"};
    words.insert(words.end(), {"--until-exit", std::to_string(::getpid())});
    words.insert(words.end(), options.begin(), options.end());
    act(words);
    ::setenv("SLURM_CONF", (place() / "etc/slurm.conf").c_str(), 1);
    ::setenv("R1CTL_CLUSTERS", (place() / "clusters.yaml").c_str(), 1);
}

Cluster::~Cluster() {
    try {
        act({"down"});
    } catch (const std::exception&) {
        // It goes with this process.
    }
}

void Cluster::act(std::vector<std::string> words) const {
    words.insert(words.begin(), R1_CLUSTER);
    words.insert(words.begin() + 2, place().string());
    const Captured captured = call(words, kActLimit);
    if (!captured.end.ok()) throw std::runtime_error("cluster " + words[1] + captured.errors);
}

void Cluster::give_whole_nodes() const {
    const auto profile = place() / "clusters.yaml";
    write_file_durably(profile, with(read_file(profile), "    launcher: srun\n",
                                     "    launcher: srun\n    exclusive: true\n"));
}

std::string slurm_or_words(std::vector<std::string> words) {
    const Captured captured = call(words, kAnswerLimit);
    return captured.output + captured.errors;
}

std::string slurm(std::vector<std::string> words) {
    const Captured captured = call(words, kAnswerLimit);
    if (captured.end.ok()) return captured.output + captured.errors;
    throw std::runtime_error(words[0] + ": " + captured.output + captured.errors);
}

std::vector<JobStart> allocations(const std::string& name) {
    std::istringstream lines(
        slurm({"env", "SLURM_TIME_FORMAT=%s", "sacct", "--duplicates", "--allocations",
               "--noheader", "--parsable2", "--starttime=now-1days", "--endtime=now+1days",
               "--name=" + name, "--format=JobID,State,Start,End,ElapsedRaw,AllocTRES"}));
    std::vector<JobStart> found;
    for (std::string line; std::getline(lines, line);) {
        std::vector<std::string> cells = cells_of(line);
        cells.resize(6);
        if (number(cells[2]) == 0 || cells[5].empty()) continue;
        found.push_back({number(cells[0]), cells[1], cells[5], number(cells[2]), number(cells[3]),
                         number(cells[4])});
    }
    std::sort(found.begin(), found.end(), [](const JobStart& a, const JobStart& b) {
        return std::pair(a.start_s, a.end_s) < std::pair(b.start_s, b.end_s);
    });
    return found;
}

std::vector<JobStart> ended_allocations(const std::string& name) {
    std::vector<JobStart> found;
    const auto all_ended = [&] {
        ::usleep(200'000);
        found = allocations(name);
        return !found.empty() &&
               std::all_of(found.begin(), found.end(), [](const auto& a) { return a.end_s > 0; });
    };
    if (!wait_until(all_ended, 60)) throw std::runtime_error("a job of " + name + " does not end");
    return found;
}

std::vector<std::string> queue_of(const std::string& name) {
    std::istringstream lines(
        slurm({"squeue", "--noheader", "--name=" + name, "--format=%i %T %r"}));
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);) found.push_back(line);
    return found;
}

void wait_for_idle_nodes(int nodes, double seconds) {
    const auto idle = [&] {
        ::usleep(200'000);
        const std::string names =
            slurm_or_words({"sinfo", "-h", "-N", "-p", "gpu", "-t", "idle", "-o", "%N"});
        return std::count(names.begin(), names.end(), '\n') == nodes;
    };
    if (!wait_until(idle, seconds))
        throw std::runtime_error("nodes are not idle:\n" +
                                 slurm_or_words({"sinfo", "-N", "-p", "gpu", "-o", "%N %T %E"}));
}

}  // namespace r1
