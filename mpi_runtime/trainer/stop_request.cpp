// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/stop_request.h"

#include <sys/prctl.h>

#include <csignal>
#include <initializer_list>

#include "checkpoint/process.h"
#include "common/host.h"
#include "mpi_runtime/comm/launched.h"

namespace r1 {

namespace {

volatile std::sig_atomic_t requested = 0;

}  // namespace

void listen_for_stop() {
    struct sigaction action {};
    action.sa_handler = [](int) { requested = 1; };
    action.sa_flags = SA_RESTART;
    for (const int number : {SIGINT, SIGTERM, SIGUSR2}) sigaction(number, &action, nullptr);
    // A killed launcher must not leave ranks behind that hold the cores and the run directory.
    // Slurm ends its processes by itself, and the thread of its daemon that forked this one, whose
    // end the signal tells, may end before.
    if (!started_by_slurm()) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool stop_requested() {
    return requested != 0;
}

bool launcher_is_gone(const AttemptRecord& attempt) {
    return attempt.host == host_name() &&
           process_start_ticks(attempt.launcher_pid) != attempt.launcher_start_ticks;
}

}  // namespace r1
