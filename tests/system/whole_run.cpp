// SPDX-License-Identifier: Apache-2.0
#include "tests/system/whole_run.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <stdexcept>

#include "checkpoint/attempt.h"
#include "checkpoint/checkpoint.h"
#include "tests/system/results.h"
#include "tests/system/small_recipe.h"

namespace r1 {

namespace {

constexpr double kPatienceSeconds = 40;

bool saves_now(const RunDirectory& run) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(run.checkpoints(), ignored))
        if (entry.path().filename().string().starts_with(".tmp-")) return true;
    return false;
}

}  // namespace

OneRun::OneRun(const std::string& recipe) : recipe_(write_recipe(folder_.path(), recipe)) {}

OneRun::~OneRun() {
    for (const Process& process : processes_of(path())) ::kill(process.pid, SIGKILL);
}

RunDirectory OneRun::run() const {
    const auto runs = list_runs(folder_ / "runs");
    if (runs.size() != 1) throw std::runtime_error("the folder does not hold one run");
    return runs.front();
}

R1ctl OneRun::begin() {
    R1ctl command(path(), {"run", recipe_, "--quiet"});
    wait_until([&] { return !list_runs(folder_ / "runs").empty(); }, kPatienceSeconds);
    return command;
}

std::string OneRun::state() const {
    return to_string(state_of(run()));
}

Moment after_step(std::int64_t step) {
    return [=](const RunDirectory& run) { return newest_step(run) >= step; };
}

Moment while_saving_after(std::int64_t step) {
    return [=](const RunDirectory& run) { return saves_now(run) && newest_step(run) >= step; };
}

Moment once_checkpoint_exists(std::int64_t step) {
    return [=](const RunDirectory& run) {
        const auto steps = list_checkpoints(run.checkpoints());
        return !steps.empty() && steps.back() >= step;
    };
}

void kill_at(OneRun& one, R1ctl& command, const Moment& moment, Victim victim) {
    const RunDirectory run = one.run();
    ASSERT_TRUE(wait_until([&] { return moment(run) || command.ended(); }, kPatienceSeconds));
    ASSERT_FALSE(command.ended()) << command.wait().all();
    ASSERT_TRUE(kill_victim(one.path(), victim)) << to_string(victim);
    const Transcript transcript = command.wait();
    EXPECT_FALSE(transcript.end.ok()) << transcript.all();
    expect_ended(one, 10);
}

void expect_ended(const OneRun& one, double seconds) {
    EXPECT_EQ(survivors_after(one.path(), seconds), "");
    EXPECT_NE(one.state(), "running");
}

}  // namespace r1
