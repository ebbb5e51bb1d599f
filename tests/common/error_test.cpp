// SPDX-License-Identifier: Apache-2.0
#include "common/error.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/common/message_of.h"

namespace r1 {

TEST(Error, ExitCodesKeepTheirPublishedNumbers) {
    EXPECT_EQ(static_cast<int>(ExitCode::kOk), 0);
    EXPECT_EQ(static_cast<int>(ExitCode::kRunFailed), 1);
    EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 2);
    EXPECT_EQ(static_cast<int>(ExitCode::kScheduler), 3);
    EXPECT_EQ(static_cast<int>(ExitCode::kLibrary), 4);
    EXPECT_EQ(static_cast<int>(ExitCode::kCheckpoint), 5);
    EXPECT_EQ(static_cast<int>(ExitCode::kBudget), 6);
}

TEST(ThrowLibraryError, NamesLibraryCallDetailAndPlace) {
    const unsigned line = __LINE__ + 2;
    try {
        throw_library_error("HDF5", "H5Fcreate", "no space left");
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kLibrary);
        EXPECT_EQ(std::string(e.what()), "HDF5: H5Fcreate failed: no space left (" +
                                             std::string(__FILE__) + ":" + std::to_string(line) +
                                             ")");
        return;
    }
    FAIL() << "expected Error";
}

TEST(ThrowLibraryError, EmptyDetailLeavesNoColon) {
    const std::string text = message_of([] { throw_library_error("MPI", "MPI_Bcast", ""); });
    EXPECT_EQ(text.rfind("MPI: MPI_Bcast failed (", 0), 0u) << text;
}

TEST(ThrowSystemError, ReadsErrnoAndKeepsTheCode) {
    try {
        errno = EACCES;
        throw_system_error("open", "/x/y", ExitCode::kCheckpoint);
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ExitCode::kCheckpoint);
        EXPECT_STREQ(e.what(), "cannot open '/x/y': Permission denied");
        return;
    }
    FAIL() << "expected Error";
}

}  // namespace r1
