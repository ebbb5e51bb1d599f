// SPDX-License-Identifier: Apache-2.0
// Fibers for any processor.
#include <ucontext.h>

#include "tests/emulated_gpu/fiber.h"
#include "tests/emulated_gpu/fiber_stack.h"

namespace r1::emulated {

namespace {

thread_local Fiber* running = nullptr;

}  // namespace

struct Fiber::Context {
    FiberStack stack;
    ucontext_t fiber{};
    ucontext_t caller{};
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
    getcontext(&context_->fiber);
    context_->fiber.uc_stack.ss_sp = context_->stack.bottom();
    context_->fiber.uc_stack.ss_size = FiberStack::kBytes;
    context_->fiber.uc_link = nullptr;
    makecontext(&context_->fiber, &Fiber::run, 0);
}

void Fiber::resume() {
    running = this;
    swapcontext(&context_->caller, &context_->fiber);
}

void Fiber::pause() {
    swapcontext(&context_->fiber, &context_->caller);
}

}  // namespace r1::emulated
