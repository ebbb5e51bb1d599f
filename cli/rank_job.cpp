// SPDX-License-Identifier: Apache-2.0
#include "cli/rank_job.h"

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "cli/failure.h"
#include "cli/rank_program.h"
#include "cli/stop_signals.h"
#include "common/error.h"
#include "common/file.h"
#include "slurm/launcher.h"

namespace r1::cli {

namespace {

class ScratchFolder {
  public:
    ScratchFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "r1ctl-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw_system_error("make", name);
        path_ = name;
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// What the ranks exited with, where it is one of ours.
ExitCode code_of(const ProcessEnd& end) {
    const bool ours = end.signal == 0 && end.exit_code > 0 &&
                      end.exit_code <= static_cast<int>(ExitCode::kBudget);
    return ours ? static_cast<ExitCode>(end.exit_code) : ExitCode::kRunFailed;
}

ProcessEnd wait_for(Launch& launch) {
    const StopSignals signals;
    while (true) {
        const std::optional<ProcessEnd> end = launch.poll();
        if (end) return *end;
        if (signals.count() > 0) {
            launch.kill();
            throw Error(ExitCode::kRunFailed, "interrupted");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

}  // namespace

Json run_rank_job(const RankJob& job) {
    const ScratchFolder scratch;
    const auto output = scratch.path() / "output.json";
    LaunchRequest request;
    request.rank_program = find_rank_program();
    request.arguments = job.arguments;
    request.arguments.insert(request.arguments.end(), {"--output", output.string()});
    request.ranks = job.ranks;
    request.threads_per_rank = job.threads_per_rank;
    request.log = scratch.path() / "log";
    const auto launch = make_local_launcher()->launch(request);
    const ProcessEnd end = wait_for(*launch);
    const std::optional<Json> result = end.ok() ? read_record(output, 1) : std::optional<Json>{};
    if (result) return *result;
    throw Error(code_of(end), "the ranks ended with exit code " + std::to_string(end.shell_code()) +
                                  (end.ok() ? " but without a result" : "") + "; their log:\n" +
                                  log_tail(request.log));
}

}  // namespace r1::cli
