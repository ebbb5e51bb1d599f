// SPDX-License-Identifier: Apache-2.0
// kill -9 at any moment: what was acknowledged is there, and what is there verifies.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>

#include "checkpoint/commit.h"
#include "common/time.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/one_process_writer.h"
#include "tests/checkpoint/sample_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

// Runs save(first), save(first + 1), … in a child, kills it after a while and returns the last
// number whose save returned; first - 1 when none did.
std::int64_t save_until_killed(std::int64_t first, int microseconds,
                               const std::function<void(std::int64_t)>& save) {
    int acknowledged[2];
    if (::pipe(acknowledged) != 0) throw std::runtime_error("pipe failed");
    const pid_t pid = ::fork();
    if (pid == 0) {
        for (std::int64_t number = first;; ++number) {
            save(number);
            if (::write(acknowledged[1], &number, sizeof number) != sizeof number) ::_exit(1);
        }
    }
    ::close(acknowledged[1]);
    ::usleep(static_cast<useconds_t>(microseconds));
    ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the child ended by itself: " << status;
    std::int64_t last = first - 1;
    std::int64_t number = 0;
    while (::read(acknowledged[0], &number, sizeof number) == ssize_t{sizeof number}) last = number;
    ::close(acknowledged[0]);
    return last;
}

/// Moments that fall into the first few saves, however fast this machine's disk is today.
class RandomMoment {
  public:
    RandomMoment(unsigned seed, const std::function<void(std::int64_t)>& save) : random_(seed) {
        const double start = monotonic_seconds();
        save(0);
        longest_ = static_cast<int>(4e6 * (monotonic_seconds() - start)) + 1000;
    }
    int operator()() { return std::uniform_int_distribution<int>(0, longest_)(random_); }

  private:
    std::mt19937 random_;
    int longest_ = 0;
};

std::int64_t number_in(const fs::path& checkpoint) {
    const Manifest manifest = read_manifest(checkpoint);
    const TensorEntry& entry = manifest.tensor("model/lm_head.weight");
    std::vector<float> weights(entry.bytes() / sizeof(float));
    read_tensor(checkpoint, manifest, entry, weights.data());
    return static_cast<std::int64_t>(weights.front());
}

SampleCheckpoint numbered(std::int64_t number) {
    return SampleCheckpoint(2000, static_cast<float>(number));
}

TEST(Kill, TheNewestIsAlwaysTheLastAcknowledgedOrTheOneAfter) {
    const TemporaryFolder folder;
    std::int64_t newest = 0;
    const auto save = [&](std::int64_t step) {
        const auto writer = make_hdf5_checkpoint_writer(folder.path(), "r");
        writer->save(step, false, "", numbered(step).views());
        writer->retain(2);
    };
    RandomMoment moment(1, save);
    for (int kill = 0; kill < 40; ++kill) {
        const std::int64_t last = save_until_killed(newest + 1, moment(), save);
        std::vector<Rejected> rejected;
        const auto found = latest_verified(folder.path(), rejected);
        EXPECT_TRUE(rejected.empty());
        ASSERT_TRUE(found);
        EXPECT_TRUE(*found == last || *found == last + 1) << *found << " after " << last;
        EXPECT_EQ(number_in(folder.path() / checkpoint_name(*found)), *found);
        newest = *found;
    }
    EXPECT_GT(newest, 0);
    const auto writer = make_hdf5_checkpoint_writer(folder.path(), "r");
    writer->retain(2);
    EXPECT_LE(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator{}), 2);
}

void expect_step_survives_replacing(const fs::path& checkpoints, unsigned seed,
                                    const std::function<void(std::int64_t)>& save) {
    std::int64_t newest = 0;
    RandomMoment moment(seed, save);
    for (int kill = 0; kill < 30; ++kill) {
        const std::int64_t last = save_until_killed(newest + 1, moment(), save);
        const fs::path checkpoint = checkpoints / checkpoint_name(7);
        ASSERT_NO_THROW(verify_checkpoint(checkpoint));
        newest = number_in(checkpoint);
        EXPECT_TRUE(newest == last || newest == last + 1) << newest << " after " << last;
    }
    EXPECT_GT(newest, 0);
}

TEST(Kill, AStepThatIsReplacedIsTheOldOneOrTheNewOne) {
    const TemporaryFolder folder;
    expect_step_survives_replacing(folder.path(), 2, [&](std::int64_t number) {
        make_hdf5_checkpoint_writer(folder.path(), "r")
            ->save(7, false, "", numbered(number).views());
    });
}

TEST(Kill, AStepIsReplacedAsSafelyWhereFoldersCannotBeSwapped) {
    const TemporaryFolder folder;
    const fs::path elsewhere = folder.path() / "elsewhere";
    expect_step_survives_replacing(folder.path(), 3, [&](std::int64_t number) {
        make_hdf5_checkpoint_writer(elsewhere, "r")->save(7, false, "", numbered(number).views());
        const fs::path ready = elsewhere / checkpoint_name(7);
        commit_checkpoint(folder.path(), ready, read_manifest(ready), false);
    });
}

}  // namespace
}  // namespace r1
