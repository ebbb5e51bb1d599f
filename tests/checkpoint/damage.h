// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/error.h"
#include "tests/common/temporary_folder.h"

namespace r1 {

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// What the call throws as an Error; empty when it throws nothing.
template <class Call>
std::string error_of(Call call, ExitCode expected = ExitCode::kCheckpoint) {
    try {
        call();
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), expected) << e.what();
        return e.what();
    }
    return {};
}

}  // namespace r1
