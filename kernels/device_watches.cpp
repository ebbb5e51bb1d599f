// SPDX-License-Identifier: Apache-2.0
#include "kernels/device_watches.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/error.h"
#include "common/time.h"

namespace r1 {

namespace {

/// Seconds for which a wait is busy, before it sleeps between questions.
constexpr double kBusy = 1e-3;
constexpr auto kNap = std::chrono::microseconds(50);
/// Seconds between two looks, and between two looks that are believed: time in which the process
/// was stopped as a whole does not count.
constexpr double kInterval = 1e-2;
constexpr double kLongestGap = 1;

/// A wait, for the watches.
class Wait {
  public:
    explicit Wait(const std::vector<DeviceWatch*>& watches) noexcept : watches_(watches) {
        for (DeviceWatch* watch : watches_) watch->begin();
    }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() {
        for (auto watch = watches_.rbegin(); watch != watches_.rend(); ++watch) (*watch)->end();
    }

  private:
    const std::vector<DeviceWatch*>& watches_;
};

}  // namespace

DeviceWatches::Place::Place(DeviceWatches& all, DeviceWatch& watch) : all_(all), watch_(watch) {
    all_.watches_.push_back(&watch);
}

DeviceWatches::Place::~Place() {
    std::erase(all_.watches_, &watch_);
    if (!all_.empty()) return;
    all_.given_up_ = false;
    all_.failure_ = nullptr;
}

void DeviceWatches::wait_until(const std::function<bool()>& done) {
    if (failure_) std::rethrow_exception(failure_);
    if (given_up_)
        throw Error(ExitCode::kLibrary, "the work of this device was given up after an error");
    try {
        wait_and_look(done);
    } catch (...) {
        give_up();
        if (!empty()) failure_ = std::current_exception();
        throw;
    }
}

void DeviceWatches::wait_and_look(const std::function<bool()>& done) {
    look(0);
    if (done()) return;
    const Wait wait(watches_);
    const double start = monotonic_seconds();
    double last_look = start;
    while (!done()) {
        const double now = monotonic_seconds();
        if (now - last_look >= kInterval) {
            look(std::min(now - last_look, kLongestGap));
            last_look = now;
        }
        if (now - start < kBusy)
            std::this_thread::yield();
        else
            std::this_thread::sleep_for(kNap);
    }
}

void DeviceWatches::look(double seconds) {
    for (DeviceWatch* watch : watches_) watch->look(seconds);
    for (DeviceWatch* watch : watches_) watch->answer(seconds);
}

void DeviceWatches::wait_until_idle() {
    wait_until([this] {
        return std::all_of(watches_.begin(), watches_.end(),
                           [](DeviceWatch* watch) { return watch->idle(); });
    });
}

bool DeviceWatches::another_asks(const DeviceWatch& than) const {
    return std::any_of(watches_.begin(), watches_.end(),
                       [&](const DeviceWatch* watch) { return watch != &than && watch->asks(); });
}

void DeviceWatches::give_up() noexcept {
    if (empty()) return;
    given_up_ = true;
    for (DeviceWatch* watch : watches_) watch->give_up();
    if (forget_) forget_();
    for (DeviceWatch* watch : watches_) watch->end_giving_up();
}

}  // namespace r1
