// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/one_process_writer.h"
#include "tests/checkpoint/sample_checkpoint.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

/// A disk of 4 MiB in the memory of this machine.
class SmallDisk {
  public:
    SmallDisk() : mounted_(::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=4m") == 0) {}
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() {
        if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
    }
    bool mounted() const { return mounted_; }
    const fs::path& path() const { return folder_.path(); }

  private:
    TemporaryFolder folder_;
    bool mounted_;
};

// Saves a small step, then one that does not fit: refused, and the small one is all there is.
// Returns what went wrong.
std::string save_small_then_large(const fs::path& folder) {
    const auto writer = make_hdf5_checkpoint_writer(folder, "run");
    const SampleCheckpoint small(16);
    const SampleCheckpoint large(80000);
    writer->save(1, false, "", small.views());
    try {
        writer->save(2, false, "", large.views());
        return "a checkpoint that does not fit was saved";
    } catch (const Error& e) {
        if (std::string(e.what()).find("no room for") == std::string::npos) return e.what();
    }
    if (std::distance(fs::directory_iterator(folder), fs::directory_iterator{}) != 1)
        return "something was left behind";
    std::vector<Rejected> rejected;
    if (latest_verified(folder, rejected) != 1 || !rejected.empty()) return "the old one is hurt";
    writer->save(3, false, "", small.views());
    verify_checkpoint(folder / checkpoint_name(3));
    return {};
}

TEST(FullDisk, IsRefusedCleanlyAndTheNextSaveWorks) {
    const SmallDisk folder;
    if (!folder.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
    EXPECT_EQ(save_small_then_large(folder.path()), "");
}

TEST(FullDisk, EveryRoomFromNoneToEnoughEndsInAnErrorOrACheckpoint) {
    const SmallDisk folder;
    if (!folder.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
    const fs::path checkpoints = folder.path() / "checkpoints";
    const auto writer = make_hdf5_checkpoint_writer(checkpoints, "run");
    const SampleCheckpoint sample(64);
    writer->save(1, false, "", sample.views());
    int saved = 0;
    for (int filled_pages = 1023; filled_pages > 900; --filled_pages) {
        const fs::path filler = folder.path() / "filler";
        std::ofstream(filler) << std::string(static_cast<std::size_t>(filled_pages) * 4096, 'x');
        try {
            writer->save(2, false, "", sample.views());
            ++saved;
        } catch (const Error&) {
            EXPECT_EQ(list_checkpoints(checkpoints).size(), saved > 0 ? 2u : 1u);
        }
        for (const std::int64_t step : list_checkpoints(checkpoints))
            EXPECT_NO_THROW(verify_checkpoint(checkpoints / checkpoint_name(step)));
        fs::remove(filler);
    }
    EXPECT_GT(saved, 0);
    EXPECT_LT(saved, 123);
}

TEST(FullDisk, ALimitOnTheSizeOfFilesIsRefusedCleanlyToo) {
    const TemporaryFolder folder;
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1 << 20, 1 << 20};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
        const std::string problem = save_small_then_large(folder.path());
        if (!problem.empty()) std::fprintf(stderr, "%s\n", problem.c_str());
        std::exit(problem.empty() ? 0 : 1);  // exit, not _exit: HDF5's own cleanup must not crash
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace r1
