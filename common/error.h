// SPDX-License-Identifier: Apache-2.0
// The one exception of the project. No formatting library here: .cu files include this header.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace r1 {

/// What the process returns to its caller. The numbers are part of the interface: never renumber.
enum class ExitCode : int {
    kOk = 0,
    kRunFailed = 1,
    kUsage = 2,       ///< command line or recipe
    kScheduler = 3,   ///< Slurm or mpirun refused
    kLibrary = 4,     ///< MPI, NCCL, CUDA or HDF5 failed
    kCheckpoint = 5,  ///< a checkpoint that does not verify
    kBudget = 6,
};

/// Ends the command or the run. The text says what failed, on what, and what to do next.
class Error : public std::runtime_error {
  public:
    Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
    ExitCode code() const noexcept { return code_; }

  private:
    ExitCode code_;
};

/// A call into a library failed: "HDF5: H5Fcreate failed: <detail> (checkpoint/x.cpp:12)".
[[noreturn]] void throw_library_error(std::string_view library, std::string_view call,
                                      std::string_view detail,
                                      std::source_location at = std::source_location::current());

/// A system call failed: "cannot open '/x/y': Permission denied". Reads errno.
[[noreturn]] void throw_system_error(std::string_view action, std::string_view object,
                                     ExitCode code = ExitCode::kRunFailed);

}  // namespace r1
