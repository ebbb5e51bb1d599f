// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <thread>

#include "checkpoint/process.h"
#include "checkpoint/run_directory.h"
#include "cli/commands/attempt.h"
#include "cli/rank_program.h"
#include "cli/slurm_environment.h"
#include "common/error.h"
#include "common/host.h"
#include "common/json.h"
#include "common/subprocess.h"
#include "common/time.h"

namespace r1::cli {

namespace {

constexpr std::chrono::seconds kNvidiaLimit{60};  // a broken driver hangs its tools

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// One line of nvidia-smi's table: "0, GPU-4c2f…, NVIDIA H100 80GB HBM3, 81559 MiB".
Json gpu_of(const std::string& line) {
    Json gpu;
    std::istringstream cells(line);
    std::string cell;
    for (const char* name : {"index", "uuid", "name", "memory"})
        if (std::getline(cells, cell, ',')) gpu[name] = trimmed(cell);
    return gpu;
}

/// What the driver sees; empty where there is none. r1ctl links no CUDA, so the driver's own tool
/// is asked.
Json gpus_of_driver() {
    Json gpus = Json::array();
    try {
        Command command;
        command.arguments = {"nvidia-smi", "--query-gpu=index,uuid,name,memory.total",
                             "--format=csv,noheader"};
        CaptureOptions options;
        options.errors = true;
        options.limit = kNvidiaLimit;
        const Captured captured = run_and_capture(command, options);
        if (!captured.end.ok()) return gpus;
        std::istringstream lines(captured.output);
        for (std::string line; std::getline(lines, line);)
            if (!trimmed(line).empty()) gpus.push_back(gpu_of(line));
    } catch (const Error&) {
        return gpus;  // it is not installed: no GPUs of this kind
    }
    return gpus;
}

/// What Slurm gave to the job on this node: "0,1,2,3", or null.
Json environment_json(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? Json(value) : Json(nullptr);
}

std::string rank_program_problem() {
    try {
        find_rank_program();
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace

int run_attempt_node(const AttemptOptions& options, Context& context) {
    const RunDirectory run(options.run);
    const SlurmEnvironment place = slurm_environment();
    // Before anything is made: a folder of the same name on this node's own disk would hide it.
    std::error_code unseen;
    if (!std::filesystem::exists(run.attempt_record(options.attempt), unseen))
        throw Error(ExitCode::kRunFailed,
                    place.node + " does not see the run's folder '" + run.root().string() + "'");
    const std::string problem = rank_program_problem();
    const auto record = run.attempt_node(options.attempt, place.node);
    std::error_code failed;
    std::filesystem::create_directories(record.parent_path(), failed);
    if (failed) {
        errno = failed.value();
        throw_system_error("make the folder", record.parent_path().string());
    }
    write_record(record, Json{{"schema", 1},
                              {"node", place.node},
                              {"host", host_name()},
                              {"boot_id", boot_id()},
                              {"time_ms", utc_milliseconds()},
                              {"cores", std::thread::hardware_concurrency()},
                              {"gpus", gpus_of_driver()},
                              {"slurm_gpus", environment_json("SLURM_STEP_GPUS")},
                              {"slurm_gpus_on_node", environment_json("SLURM_GPUS_ON_NODE")},
                              {"cuda_visible_devices", environment_json("CUDA_VISIBLE_DEVICES")},
                              {"problem", problem}});
    if (problem.empty()) return 0;
    context.err << place.node << ": " << problem << '\n';
    return 1;
}

}  // namespace r1::cli
