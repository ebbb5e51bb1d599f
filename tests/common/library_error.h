// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "common/error.h"

namespace r1 {

/// The text of the Error (kLibrary) that `work` throws; "nothing was thrown" when it returns.
template <class Work>
std::string library_error_of(const Work& work) {
    try {
        work();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kLibrary);
        return error.what();
    }
    return "nothing was thrown";
}

}  // namespace r1
