// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/fence.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

TEST(Fence, ClosesWhenTheNextAttemptBegins) {
    const TemporaryFolder folder;
    const RunDirectory run(folder.path());
    ASSERT_EQ(run.begin_attempt(), 1);
    Fence fence(run, 1);
    EXPECT_FALSE(fence.superseded());
    ASSERT_EQ(run.begin_attempt(), 2);
    EXPECT_TRUE(fence.superseded());
    EXPECT_FALSE(Fence(run, 2).superseded());
    try {
        fence.refuse();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kRunFailed);
        EXPECT_NE(std::string(error.what()).find("superseded by attempt 2"), std::string::npos);
    }
}

TEST(Fence, OfNoAttemptNeverCloses) {
    EXPECT_FALSE(Fence().superseded());
}

TEST(Fence, WithoutTheRunsFolderIsOpen) {
    EXPECT_FALSE(Fence(RunDirectory("/nowhere/at/all"), 1).superseded());
}

}  // namespace
}  // namespace r1
