// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/faults.h"

#include <csignal>
#include <cstdio>
#include <mutex>
#include <vector>

#include "tests/emulated_gpu/block.h"

namespace r1::emulated {

namespace {

// What was there before: the default, or a sanitizer's handler, which has more to tell.
struct sigaction before_segv, before_bus;

// printf may not be called in a handler; the program ends anyhow, at worst without the message.
void report(int signal, siginfo_t* facts, void*) {
    print_place();
    std::fprintf(stderr, "touches memory at %p that is not its own\n", facts->si_addr);
    sigaction(signal, signal == SIGSEGV ? &before_segv : &before_bus, nullptr);
}

void install_for(int signal, struct sigaction& before) {
    struct sigaction action {};
    action.sa_sigaction = report;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(signal, &action, &before);
}

/// A stack of this host thread's own, since a fiber's may be what ran out.
void use_own_stack() {
    thread_local std::vector<char> stack;
    if (!stack.empty()) return;
    stack.resize(64 * 1024);
    stack_t own{};
    own.ss_sp = stack.data();
    own.ss_size = stack.size();
    sigaltstack(&own, nullptr);
}

}  // namespace

void name_kernels_that_fault() {
    static std::once_flag once;
    std::call_once(once, [] {
        install_for(SIGSEGV, before_segv);
        install_for(SIGBUS, before_bus);
    });
    use_own_stack();
}

}  // namespace r1::emulated
