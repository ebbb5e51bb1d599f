// SPDX-License-Identifier: Apache-2.0
// Private to comm: it includes mpi.h.
#pragma once

#include <mpi.h>

#include <array>
#include <cstddef>
#include <source_location>
#include <string_view>

#include "common/error.h"

namespace r1 {

/// Throws Error (kLibrary) with MPI's own text unless the call succeeded.
inline void check_mpi(int code, std::string_view call,
                      std::source_location at = std::source_location::current()) {
    if (code == MPI_SUCCESS) return;
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) length = 0;
    throw_library_error("MPI", call, {text.data(), static_cast<std::size_t>(length)}, at);
}

}  // namespace r1
