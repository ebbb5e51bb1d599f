// SPDX-License-Identifier: Apache-2.0
#include "kernels/device_watches.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

namespace r1 {
namespace {

/// Writes down what is asked of it.
class Watch final : public DeviceWatch {
  public:
    Watch(std::string name, std::string& log) : name_(std::move(name)), log_(log) {}
    void begin() noexcept override { log_ += name_ + "begin "; }
    void end() noexcept override { log_ += name_ + "end "; }
    void look(double seconds) override {
        log_ += name_ + (seconds > 0 ? "look " : "pass ");
        if (seconds > 0 && looks_left-- == 0) throw std::runtime_error(name_);
    }
    void answer(double seconds) override {
        if (seconds > 0) log_ += name_ + "answer ";
    }
    bool idle() override { return is_idle; }
    bool asks() const override { return asking; }
    void give_up() noexcept override { log_ += name_ + "give_up "; }
    void end_giving_up() noexcept override { log_ += name_ + "gave_up "; }

    int looks_left = 1000;
    bool is_idle = true;
    bool asking = false;

  private:
    std::string name_;
    std::string& log_;
};

struct DeviceWatchesTest : testing::Test {
    std::string log;
    DeviceWatches watches{[this] { log += "forget "; }};
    Watch a{"a.", log}, b{"b.", log};
    std::optional<DeviceWatches::Place> place_a{std::in_place, watches, a};
    std::optional<DeviceWatches::Place> place_b{std::in_place, watches, b};
};

bool never() {
    return false;
}

TEST_F(DeviceWatchesTest, WaitThatIsOverIsPassedBy) {
    watches.wait_until([] { return true; });
    EXPECT_EQ(log, "a.pass b.pass ");
}

TEST_F(DeviceWatchesTest, AllLookInTurnAndGiveUpBeforeTheExceptionGoesOn) {
    b.looks_left = 1;
    EXPECT_THROW(watches.wait_until(never), std::runtime_error);
    EXPECT_EQ(
        log,
        "a.pass b.pass a.begin b.begin a.look b.look a.answer b.answer a.look b.look b.end a.end "
        "a.give_up b.give_up forget a.gave_up b.gave_up ");
}

TEST_F(DeviceWatchesTest, WhatTheQuestionThrowsComesOutToo) {
    EXPECT_THROW(watches.wait_until([]() -> bool { throw std::logic_error("x"); }),
                 std::logic_error);
    EXPECT_NE(log.find("a.give_up"), std::string::npos);
}

TEST_F(DeviceWatchesTest, AfterAnErrorEveryWaitThrowsIt) {
    a.looks_left = 0;
    EXPECT_THROW(watches.wait_until(never), std::runtime_error);
    EXPECT_THROW(watches.wait_until([] { return true; }), std::runtime_error);
    EXPECT_THROW(watches.wait_until_idle(), std::runtime_error);
    place_a.reset();
    EXPECT_THROW(watches.wait_until_idle(), std::runtime_error);
    // New watches begin anew.
    place_b.reset();
    watches.wait_until([] { return true; });
}

TEST_F(DeviceWatchesTest, AfterAllWereToldToGiveUpEveryWaitThrows) {
    watches.give_up();
    EXPECT_ANY_THROW(watches.wait_until([] { return true; }));
}

TEST_F(DeviceWatchesTest, WatchThatGoesLeavesTheOther) {
    place_a.reset();
    b.looks_left = 0;
    EXPECT_THROW(watches.wait_until(never), std::runtime_error);
    EXPECT_EQ(log.find("a."), std::string::npos);
}

TEST_F(DeviceWatchesTest, WaitsUntilAllAreIdle) {
    a.is_idle = b.is_idle = false;
    a.looks_left = 0;
    EXPECT_THROW(watches.wait_until_idle(), std::runtime_error);
    place_a.reset();
    place_b.reset();
    watches.wait_until_idle();
}

TEST_F(DeviceWatchesTest, KnowsWhetherAnotherAsks) {
    a.asking = true;
    EXPECT_FALSE(watches.another_asks(a));
    EXPECT_TRUE(watches.another_asks(b));
}

}  // namespace
}  // namespace r1
