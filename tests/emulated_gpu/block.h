// SPDX-License-Identifier: Apache-2.0
// Runs kernels on the emulated GPU: block after block, each thread a fiber.
#pragma once

#include <cuda_runtime.h>

namespace r1::emulated {

void run(const Launch& launch);

/// Ends the program with a message that names the running kernel, its block and its thread.
[[noreturn, gnu::format(printf, 1, 2)]] void die(const char* format, ...);
/// The same line of text, for a signal handler.
void print_place();

}  // namespace r1::emulated
