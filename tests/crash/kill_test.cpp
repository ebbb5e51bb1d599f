// SPDX-License-Identifier: Apache-2.0
// C1: kill -9 before and after every operation that changes the disk. What is found then is exactly
// the old checkpoint or exactly the new one, and the next process leaves nothing behind.
#include <gtest/gtest.h>

#include "tests/crash/tools/child.h"
#include "tests/crash/tools/figure.h"
#include "tests/crash/tools/numbered.h"
#include "tests/crash/tools/programs.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNext = 9;  // step and number of the save after the kill

/// How often a program was killed, and what was wrong then.
struct Toll {
    std::uint64_t operations = 0;
    std::uint64_t kills = 0;
    std::uint64_t lost = 0;   ///< neither the old nor the new one was found
    std::uint64_t wrong = 0;  ///< verified, and not what was saved
};

void expect_old_or_new(const Program& program, const fs::path& checkpoints,
                       const std::string& where, Toll& toll) {
    try {
        const std::int64_t found = newest_number(checkpoints);
        const bool right = found == program.before || found == program.after;
        if (!right) ++toll.lost;
        EXPECT_TRUE(right) << where << ": found " << found;
        EXPECT_EQ(joined(damaged(checkpoints)), "") << where;
    } catch (const std::exception& e) {
        ++toll.wrong;
        ADD_FAILURE() << where << ": " << e.what();
    }
}

void expect_goes_on(const fs::path& checkpoints, const std::string& where) {
    retain(checkpoints, 4);
    if (fs::exists(checkpoints)) {
        EXPECT_EQ(joined(leftovers(checkpoints)), "") << where;
    }
    save_number(checkpoints, kNext, kNext);
    retain(checkpoints, 1);
    EXPECT_EQ(newest_number(checkpoints), kNext) << where;
    EXPECT_EQ(list_checkpoints(checkpoints), std::vector<std::int64_t>{kNext}) << where;
    EXPECT_EQ(joined(leftovers(checkpoints)), "") << where;
}

void kill_at(const Program& program, std::uint64_t number, bool after, Toll& toll) {
    const RunFolder run;
    const fs::path checkpoints = run.path() / "checkpoints";
    program.prepare(checkpoints);
    shim::Plan plan = plan_for(run.path());
    plan.refuse = program.refuse;
    (after ? plan.kill_after : plan.kill_before) = number;
    const Ending ending = in_child(plan, [&] { program.run(checkpoints); });
    const std::string where = std::string(program.name) + ", killed " +
                              (after ? "after" : "before") + " operation " + std::to_string(number);
    ASSERT_TRUE(ending.killed) << where << ": " << ending.error << ending.trouble;
    ++toll.kills;
    expect_old_or_new(program, checkpoints, where, toll);
    expect_goes_on(checkpoints, where);
}

TEST(Kill, AtEveryOperationLeavesTheOldOrTheNewCheckpoint) {
    Toll toll;
    for (const Program& program : programs()) {
        const RunFolder run;
        const fs::path checkpoints = run.path() / "checkpoints";
        program.prepare(checkpoints);
        shim::Plan plan = plan_for(run.path());
        plan.refuse = program.refuse;
        const std::uint64_t count = count_operations(plan, [&] { program.run(checkpoints); });
        ASSERT_GT(count, 0u) << program.name;
        EXPECT_EQ(newest_number(checkpoints), program.after) << program.name;
        toll.operations += count;
        for (std::uint64_t number = 1; number <= count; ++number)
            for (const bool after : {false, true}) kill_at(program, number, after, toll);
    }
    print_figure("C1", grouped(toll.kills) + " kills at " + grouped(toll.operations) +
                           " operations of " + std::to_string(programs().size()) + " programs, " +
                           grouped(toll.lost) + " lost, " + grouped(toll.wrong) + " wrong loads");
}

}  // namespace
}  // namespace r1::crash
