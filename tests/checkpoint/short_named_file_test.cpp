// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/short_named_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

TEST(ShortNamedFile, ManyAtOnceAllLieInMemory) {
    const TemporaryFolder folder;
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
        children.push_back(::fork());
        if (children.back() != 0) continue;
        int elsewhere = 0;
        for (int n = 0; n < 300; ++n)
            if (!ShortNamedFile(folder.path(), 4096).path().starts_with("/dev/shm/")) ++elsewhere;
        ::_exit(elsewhere == 0 ? 0 : 1);
    }
    for (const pid_t child : children) {
        int status = -1;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0) << "a file went to the disk, beside those of others";
    }
}

}  // namespace
}  // namespace r1
