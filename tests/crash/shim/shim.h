// SPDX-License-Identifier: Apache-2.0
// A library between a program and libc that sees every call by which the program changes the files
// below one folder, numbers them from 1 over all threads, and can do harm at any of them. It is
// linked to a test, or put before any program with LD_PRELOAD. Then the environment, read once at
// the first call, holds the plan:
//   R1_SHIM_ROOT=FOLDER            operations below it count; nothing happens without it
//   R1_SHIM_LOG=FILE               outside of the root; every operation with its data is appended
//   R1_SHIM_COUNTER=FILE           numbers the operations over all processes that name this file
//   R1_SHIM_RANK=N                 only this MPI rank is killed or failed; all are numbered, logged
//   R1_SHIM_KILL_BEFORE=N, R1_SHIM_KILL_AFTER=N    SIGKILL to the own process
//   R1_SHIM_FAIL_AT=N, R1_SHIM_FAIL_ERRNO=ENOSPC, R1_SHIM_FAIL_TIMES=N (1), R1_SHIM_FAIL_KINDS=MASK
//   R1_SHIM_SHORT_AT=N, R1_SHIM_SHORT_TIMES=N (1)  writes take about half of their bytes
//   R1_SHIM_BYTES_PER_SECOND=N     writes are so slow
//   R1_SHIM_REFUSE=MASK            what the file system cannot do
//   R1_SHIM_RECORD_OPENS=1         logs every open of the process, wherever, without a number
// It cannot see memory mappings, io_uring, copy_file_range, sendfile and the writes of C's stdio.
#pragma once

#include <cstdint>

namespace r1::shim {

enum class Kind : std::uint32_t {
    kOpen,  ///< with O_CREAT, O_TRUNC or O_TMPFILE
    kMkdir,
    kWrite,
    kAllocate,
    kTruncate,
    kSync,       ///< fsync, fdatasync
    kSyncRange,  ///< makes nothing durable
    kRename,     ///< flags: those of renameat2
    kLink,
    kSymlink,
    kUnlink,
    kRmdir,
    kClose,  ///< of a descriptor that was written to
    kLook,   ///< any open, when they are recorded; path2: where it led. Has no number
    kMark    ///< the test's own word; has no number
};
constexpr std::uint32_t bit(Kind kind) {
    return 1U << static_cast<std::uint32_t>(kind);
}
constexpr std::uint32_t kEveryKind = ~0U;
constexpr std::uint32_t kRemovals = bit(Kind::kUnlink) | bit(Kind::kRmdir);
/// What needs room on the disk.
constexpr std::uint32_t kAllocating = bit(Kind::kOpen) | bit(Kind::kMkdir) | bit(Kind::kWrite) |
                                      bit(Kind::kAllocate) | bit(Kind::kLink) | bit(Kind::kSymlink);

/// What a poorer file system cannot do.
enum Refusal : std::uint32_t {
    kNoExchange = 1,   ///< renameat2 with flags: EINVAL
    kNoHardLinks = 2,  ///< EPERM
    kNoDirect = 4,     ///< open with O_DIRECT: EINVAL
    kNoAllocate = 8    ///< fallocate: EOPNOTSUPP
};

constexpr std::uint64_t kForEver = ~std::uint64_t{0};

/// What to do; everything is off by default. Operation numbers begin at 1.
struct Plan {
    const char* root = nullptr;     ///< of an existing folder
    const char* log = nullptr;      ///< made when absent, appended to
    const char* counter = nullptr;  ///< see R1_SHIM_COUNTER
    std::uint64_t kill_before = 0;
    std::uint64_t kill_after = 0;
    std::uint64_t fail_at =
        0;  ///< the first operation from this one on that is of fail_kinds fails
    int fail_errno = 0;
    std::uint64_t fail_times = 1;  ///< and so do those after it
    std::uint32_t fail_kinds = kEveryKind;
    std::uint64_t short_at = 0;  ///< the same for writes that take about half
    std::uint64_t short_times = 1;
    std::uint64_t bytes_per_second = 0;
    std::uint32_t refuse = 0;
    bool record_opens = false;
};

}  // namespace r1::shim

extern "C" {
/// Copies the plan and numbers from 1 again. To be called while no other thread changes files.
void r1_shim_arm(const r1::shim::Plan* plan);
/// Only passes on from now.
void r1_shim_disarm();
/// How many there were since the plan was armed.
std::uint64_t r1_shim_operations();
/// Puts a word into the log.
void r1_shim_mark(const char* text);
}
