// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "checkpoint/page_buffer.h"
#include "checkpoint/throttle.h"
#include "common/file.h"

namespace r1 {

/// A file that is written past the page cache where its file system can, so that a checkpoint runs
/// at the speed of the disk and pushes nobody else's pages out. Several processes of one machine
/// may write to one file, each its own bytes. Pages of which somebody else may hold a byte go
/// through the page cache, and no page goes both ways. Throws Error naming the path.
class DirectFile {
  public:
    /// Makes the file when it is not there.
    explicit DirectFile(std::filesystem::path path);

    /// Reserves the file's room before anything is written; that another process does the same does
    /// no harm. Throws Error (kRunFailed) with the bytes that it takes when the disk is full.
    void reserve(std::uint64_t bytes);
    /// Runs fastest when `data` lies as far from a page's begin as `offset` does.
    void write(const void* data, std::uint64_t bytes, std::uint64_t offset, Throttle& throttle);
    /// Everything written so far survives a loss of power. Call once: what a failed sync has lost
    /// cannot be told, so that the file is worth nothing after it.
    void sync();

  private:
    void write_pages(const std::byte* data, std::uint64_t bytes, std::uint64_t offset,
                     Throttle& throttle);
    void write_buffered(const std::byte* data, std::uint64_t bytes, std::uint64_t offset);

    std::filesystem::path path_;
    FileDescriptor buffered_;
    FileDescriptor direct_;  // null where the file system has no direct I/O
    PageBuffer bounce_;      // for data that lies across pages
};

}  // namespace r1
