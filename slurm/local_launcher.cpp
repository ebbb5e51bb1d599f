// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>

#include "common/error.h"
#include "common/time.h"
#include "slurm/launcher.h"
#include "slurm/marked_processes.h"

namespace r1 {

namespace {

constexpr double kGraceSeconds = 2;

bool on_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    return false;
}

/// One mark for each launch of each process.
std::string make_mark() {
    static std::atomic<int> count{0};
    return "R1CTL_LAUNCH=" + std::to_string(::getpid()) + "." + std::to_string(utc_milliseconds()) +
           "." + std::to_string(++count);
}

class LocalLaunch final : public Launch {
  public:
    LocalLaunch(const Command& command, std::string mark)
        : mark_(std::move(mark)), process_(command) {}
    LocalLaunch(const LocalLaunch&) = delete;
    LocalLaunch& operator=(const LocalLaunch&) = delete;
    ~LocalLaunch() override {
        if (!ended_) end_all();
    }

    std::optional<ProcessEnd> poll() override {
        const std::optional<ProcessEnd> end = process_.poll();
        if (end) sweep();
        return end;
    }

    ProcessEnd wait() override {
        const ProcessEnd end = process_.wait();
        sweep();
        return end;
    }

    /// mpirun forwards SIGUSR2 to the ranks and goes on waiting for them.
    void request_stop() override { process_.signal(SIGUSR2); }

    void kill() override { end_all(); }

  private:
    void end_all() {
        process_.signal(SIGTERM, true);
        const double deadline = monotonic_seconds() + kGraceSeconds;
        while (!process_.poll() && monotonic_seconds() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        process_.signal(SIGKILL, true);
        process_.wait();
        sweep();
    }

    /// mpirun puts each rank in a group of its own, so that the group's signal does not reach a
    /// rank that mpirun had no time to end.
    void sweep() {
        if (!ended_) kill_processes_marked(mark_);
        ended_ = true;
    }

    std::string mark_;
    Subprocess process_;
    bool ended_ = false;
};

class LocalLauncher final : public Launcher {
  public:
    const char* name() const override { return "mpirun"; }

    std::unique_ptr<Launch> launch(const LaunchRequest& request) override {
        if (!on_path("mpirun"))
            throw Error(ExitCode::kScheduler,
                        "mpirun is not on PATH; install it (Debian: apt install openmpi-bin) or "
                        "load the cluster's MPI module");
        if (::access(request.rank_program.c_str(), X_OK) != 0)
            throw_system_error("start", request.rank_program.string(), ExitCode::kScheduler);
        const std::string mark = make_mark();
        return std::make_unique<LocalLaunch>(command_for(request, mark), mark);
    }

  private:
    static Command command_for(const LaunchRequest& request, const std::string& mark) {
        Command command;
        command.arguments = {"mpirun", "--oversubscribe", "--bind-to", "none",
                             // One copy of each of mpirun's messages, not one a rank.
                             "--mca", "orte_base_help_aggregate", "1", "-x", "OMP_NUM_THREADS",
                             "-np", std::to_string(request.ranks), request.rank_program.string()};
        command.arguments.insert(command.arguments.end(), request.arguments.begin(),
                                 request.arguments.end());
        command.environment = {"OMP_NUM_THREADS=" + std::to_string(request.threads_per_rank), mark};
        if (::geteuid() == 0) {
            command.environment.emplace_back("OMPI_ALLOW_RUN_AS_ROOT=1");
            command.environment.emplace_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
        }
        command.output = request.log;
        command.own_process_group = true;
        command.signal_when_parent_dies = SIGUSR2;
        return command;
    }
};

}  // namespace

std::unique_ptr<Launcher> make_local_launcher() {
    return std::make_unique<LocalLauncher>();
}

}  // namespace r1
