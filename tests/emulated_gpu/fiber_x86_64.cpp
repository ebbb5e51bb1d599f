// SPDX-License-Identifier: Apache-2.0
// Switches stacks by hand: swapcontext asks the kernel for the signal mask each time. Saved are the
// registers that a function of the System V ABI has to keep; the rounding mode is never changed.
#include <cstdint>

#include "tests/emulated_gpu/fiber.h"
#include "tests/emulated_gpu/fiber_stack.h"

extern "C" void r1_switch_stack(void** from, void* to);

asm(R"(
.text
.globl r1_switch_stack
.type r1_switch_stack, @function
r1_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size r1_switch_stack, .-r1_switch_stack
)");

namespace r1::emulated {

namespace {

constexpr int kSavedRegisters = 6;
thread_local Fiber* running = nullptr;

}  // namespace

struct Fiber::Context {
    FiberStack stack;
    void* fiber = nullptr;  ///< stack pointers of what does not run
    void* caller = nullptr;
};

Fiber::Fiber() : context_(std::make_unique<Context>()) {}
Fiber::~Fiber() = default;

void Fiber::run() {
    (*running->work_)();
    running->ended_ = true;
    running->pause();
}

void Fiber::start(const std::function<void()>& work) {
    work_ = &work;
    ended_ = false;
    // The first `ret` goes to run(), which finds the stack as after a call: 8 below a multiple
    // of 16.
    auto* top = reinterpret_cast<std::uintptr_t*>(context_->stack.top()) - 2;
    *top = reinterpret_cast<std::uintptr_t>(&Fiber::run);
    for (int i = 1; i <= kSavedRegisters; ++i) top[-i] = 0;
    context_->fiber = top - kSavedRegisters;
}

void Fiber::resume() {
    running = this;
    r1_switch_stack(&context_->caller, context_->fiber);
}

void Fiber::pause() {
    r1_switch_stack(&context_->fiber, context_->caller);
}

}  // namespace r1::emulated
