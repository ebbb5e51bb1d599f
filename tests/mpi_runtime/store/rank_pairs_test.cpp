// SPDX-License-Identifier: Apache-2.0
// Written by 1 to 4 ranks, read by 1 to 4 ranks: every pair.
#include <gtest/gtest.h>

#include <string>

#include "checkpoint/checkpoint.h"
#include "common/subprocess.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

Captured run_ranks(int ranks, const TemporaryFolder& folder,
                   const std::vector<std::string>& words) {
    std::vector<std::string> arguments{
        R1_MPIRUN, "--oversubscribe",     "--bind-to",   "none",
        "-np",     std::to_string(ranks), R1_STORE_RANK, folder.path().string()};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return run_and_capture(
        {.arguments = arguments,
         .environment = {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"},
         .output = {}});
}

TEST(RankPairs, EveryNumberOfRanksReadsWhatEveryOtherWrote) {
    const TemporaryFolder folder;
    for (int writers = 1; writers <= 4; ++writers)
        ASSERT_TRUE(run_ranks(writers, folder, {"save", std::to_string(writers)}).end.ok());
    int equal = 0;
    for (int readers = 1; readers <= 4; ++readers) {
        const Captured run = run_ranks(readers, folder, {"load", "1", "2", "3", "4"});
        EXPECT_TRUE(run.end.ok()) << readers;
        for (int writers = 1; writers <= 4; ++writers)
            equal +=
                run.output.find("equal " + std::to_string(writers)) != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(equal, 16);
    std::printf("C5: %d of 16 pairs of rank counts read back equal bytes\n", equal);
}

/// Another program than ours: h5py reads whole tensors, whichever files hold their rows.
TEST(RankPairs, H5pyReadsWholeTensorsOfSeveralWriters) {
    if (!run_and_capture({.arguments = {"/usr/bin/python3", "-c", "import h5py"},
                          .environment = {},
                          .output = {}})
             .end.ok())
        GTEST_SKIP() << "python3-h5py is not installed";
    const TemporaryFolder folder;
    ASSERT_TRUE(run_ranks(3, folder, {"save", "3"}).end.ok());
    const Captured read = run_and_capture(
        {.arguments = {"/usr/bin/python3", R1_READ_WITH_H5PY,
                       (folder.path() / checkpoint_name(3) / "index.h5").string(), "3"},
         .environment = {},
         .output = {}});
    EXPECT_TRUE(read.end.ok());
    EXPECT_EQ(read.output, "7 tensors equal\n");
}

}  // namespace
}  // namespace r1
