// SPDX-License-Identifier: Apache-2.0
// C8: one crash after another, in saves and in retention, with checkpoints damaged in between and
// the clock set forward and back. Retention removes what a crash left and never the last that
// verifies.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>

#include "common/error.h"
#include "common/file.h"
#include "common/time.h"
#include "tests/crash/tools/child.h"
#include "tests/crash/tools/figure.h"
#include "tests/crash/tools/numbered.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

class CrashLoop : public ::testing::Test {
  protected:
    bool by_chance(unsigned one_in) { return random_() % one_in == 0; }

    // As often as not before it is done.
    bool killed_at_random(std::uint64_t operations, const std::function<void()>& work) {
        shim::Plan plan = plan_for(folder_.path());
        plan.kill_before = 1 + random_() % (operations + operations / 4);
        const Ending ending = in_child(plan, work);
        EXPECT_TRUE(ending.killed || ending.finished) << ending.error << ending.trouble;
        return ending.killed;
    }
    // Every time stamp becomes that of a clock that is up to ten years wrong.
    void set_clock() {
        constexpr std::int64_t kTenYears = 315360000;
        const auto off = static_cast<std::int64_t>(random_() % (2 * kTenYears)) - kTenYears;
        for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
            timespec times[2] = {};
            times[0].tv_sec = times[1].tv_sec = utc_milliseconds() / 1000 + off;
            ::utimensat(AT_FDCWD, entry.path().c_str(), times, AT_SYMLINK_NOFOLLOW);
        }
    }
    std::vector<std::int64_t> verified() const {
        std::vector<std::int64_t> good;
        for (const std::int64_t step : list_checkpoints(checkpoints_)) {
            try {
                verify_checkpoint(checkpoints_ / checkpoint_name(step));
                good.push_back(step);
            } catch (const Error&) {
                continue;
            }
        }
        return good;
    }
    // The newest ones, so that older ones come to count; never the last that verifies.
    void damage_some() {
        std::vector<std::int64_t> good = verified();
        const bool all_but_one = by_chance(2);
        while (good.size() > 1) {
            damage(checkpoints_ / checkpoint_name(good.back()));
            good.pop_back();
            if (!all_but_one) return;
        }
    }
    void damage(const fs::path& checkpoint) {
        const Layout layout = layout_of(checkpoint);
        const fs::path& file = layout.files[random_() % layout.files.size()];
        std::string bytes = read_file(file);
        bytes[random_() % bytes.size()] ^= 1;
        write_file_durably(file, bytes);
        ++damaged_;
    }
    void crash_in_save(std::int64_t i) {
        const std::int64_t before = newest_number(checkpoints_);
        kills_ += killed_at_random(save_operations_, [&] { save_number(checkpoints_, i, i); });
        const std::int64_t found = newest_number(checkpoints_);
        EXPECT_TRUE(found == before || found == i) << found << " after " << before;
    }
    void crash_in_retention() {
        const std::int64_t before = newest_number(checkpoints_);
        kills_ += killed_at_random(8, [&] { retain(checkpoints_, 2); });
        EXPECT_EQ(newest_number(checkpoints_), before);
    }
    void retain_at_last(std::int64_t i) {
        const std::int64_t before = newest_number(checkpoints_);
        left_ += leftovers(checkpoints_).size();
        const Ending ending = in_child({}, [&] { retain(checkpoints_, 2); });
        EXPECT_TRUE(ending.finished) << ending.error << ending.trouble;
        const bool kept = newest_number(checkpoints_) == before;
        lost_ += kept ? 0 : 1;
        EXPECT_TRUE(kept) << "in loop " << i;
        EXPECT_EQ(joined(leftovers(checkpoints_)), "") << "in loop " << i;
    }

    MemoryFolder folder_;
    fs::path checkpoints_ = folder_.path() / "checkpoints";
    std::mt19937 random_{1};
    std::uint64_t save_operations_ = 0;
    std::uint64_t kills_ = 0;
    std::uint64_t left_ = 0;
    std::uint64_t damaged_ = 0;
    std::uint64_t lost_ = 0;
};

TEST_F(CrashLoop, NeverCostsTheLastThatVerifiesAndLeavesNothing) {
    save_operations_ =
        count_operations(plan_for(folder_.path()), [&] { save_number(checkpoints_, 1, 1); });
    const std::int64_t loops = short_or_long(50, 2000);
    for (std::int64_t i = 2; i < loops + 2; ++i) {
        crash_in_save(i);
        if (by_chance(2)) damage_some();
        if (by_chance(2)) set_clock();
        if (by_chance(3)) crash_in_retention();
        // Some crashes come before any retention has cleared up after the one before.
        if (!by_chance(3)) retain_at_last(i);
    }
    retain_at_last(loops);
    EXPECT_GT(left_, 0u);
    print_figure(
        "C8", grouped(static_cast<std::uint64_t>(loops)) + " crash loops, " + grouped(kills_) +
                  " kills, " + grouped(damaged_) + " checkpoints damaged, " + grouped(left_) +
                  " leftovers removed, the last that verifies lost " + grouped(lost_) + " times");
}

}  // namespace
}  // namespace r1::crash
