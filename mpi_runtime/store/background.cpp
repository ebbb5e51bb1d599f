// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/store/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <utility>

namespace r1 {
namespace {

constexpr int kNiceness = 10;

/// Of the calling thread alone: Linux keeps it by thread.
void step_back() {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
}

}  // namespace

Background::~Background() {
    wait();
}

void Background::start(std::function<void()> work) {
    result_ = std::async(std::launch::async, [work = std::move(work)]() -> std::string {
        step_back();
        try {
            work();
        } catch (const std::exception& error) {
            return error.what();
        }
        return {};
    });
}

bool Background::done() const {
    return !result_.valid() ||
           result_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

void Background::wait(const std::function<void()>& look_on) const {
    if (!result_.valid()) return;
    while (result_.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready)
        if (look_on) look_on();
}

std::string Background::take() {
    return result_.valid() ? result_.get() : std::string();
}

}  // namespace r1
