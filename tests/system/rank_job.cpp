// SPDX-License-Identifier: Apache-2.0
#include "tests/system/rank_job.h"

#include <signal.h>
#include <unistd.h>

#include "common/file.h"
#include "common/time.h"
#include "tests/system/processes.h"

namespace r1 {

RankRun::RankRun(const std::string& recipe)
    : run_(std::make_unique<RunDirectory>(
          create_run(folder_ / "runs", make_run_id("small"), recipe))) {}

RankRun::~RankRun() {
    for (const Process& process : processes_of(path())) ::kill(process.pid, SIGKILL);
}

std::unique_ptr<Subprocess> RankRun::begin(int ranks, AttemptRecord record) {
    const AttemptRecord launcher = describe_launcher(::getpid());
    record.number = run_->begin_attempt();
    record.launcher = "mpirun";
    record.host = launcher.host;
    record.launcher_pid = launcher.launcher_pid;
    record.launcher_start_ticks = launcher.launcher_start_ticks;
    record.boot_id = launcher.boot_id;
    record.ranks = ranks;
    record.threads_per_rank = 1;
    record.start_ms = utc_milliseconds();
    write_attempt(*run_, record);
    Command command;
    command.arguments = {
        R1_MPIRUN, "--oversubscribe",     "--bind-to", "none",
        "-np",     std::to_string(ranks), R1_RANK,     "train",
        "--run",   run_->root().string(), "--attempt", std::to_string(record.number)};
    command.environment = {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                           "OMP_NUM_THREADS=1", "OMPI_MCA_mpi_yield_when_idle=1"};
    command.output = run_->attempt_log(record.number);
    return std::make_unique<Subprocess>(command);
}

std::string RankRun::log(int attempt) const {
    return read_file(run_->attempt_log(attempt));
}

}  // namespace r1
