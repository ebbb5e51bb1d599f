// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/attempt.h"

namespace r1 {

/// Catches SIGINT, SIGTERM and SIGUSR2 from now on: they ask the ranks to save at the next step
/// boundary and to stop. Also lets this process die with an mpirun that started it.
void listen_for_stop();

/// Whether this rank was asked. The ranks must agree before they act on it.
bool stop_requested();

/// Whether the launcher of an attempt ran on this host and lives no more. Its death sends a signal
/// too, but that is lost when mpirun has not started the ranks yet.
bool launcher_is_gone(const AttemptRecord& attempt);

}  // namespace r1
