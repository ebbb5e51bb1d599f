// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace r1 {

/// Catches SIGINT, SIGTERM and SIGUSR2 from now on: they ask the ranks to save at the next step
/// boundary and to stop. Also lets this process die with the one that started it.
void listen_for_stop();

/// Whether this rank was asked. The ranks must agree before they act on it.
bool stop_requested();

}  // namespace r1
