// SPDX-License-Identifier: Apache-2.0
// Durable files: written whole (temporary file, fsync, rename, fsync of the folder) or appended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/handle.h"

namespace r1 {

struct FileDescriptorTraits {
    using Raw = int;
    static int null() noexcept { return -1; }
    static void close(int fd) noexcept;
};
using FileDescriptor = Handle<FileDescriptorTraits>;

/// Opens with O_CLOEXEC. Throws Error naming the path.
FileDescriptor open_file(const std::filesystem::path& path, int flags, unsigned mode = 0644);

/// The whole file. Throws Error if it cannot be read or is larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path,
                      std::uint64_t max_bytes = std::uint64_t{1} << 30);

/// Replaces the file in one step: after a crash it holds the old bytes or the new ones.
void write_file_durably(const std::filesystem::path& path, std::string_view bytes,
                        unsigned mode = 0644);

/// Writes every byte at the descriptor's position; retries EINTR and short writes.
void write_all(int fd, std::string_view bytes, const std::filesystem::path& path_for_errors);

/// fsync of a file or a folder. A failure is never retried: it throws.
void sync_file(int fd, const std::filesystem::path& path_for_errors);
void sync_folder(const std::filesystem::path& folder);

/// Appends whole lines; one writer a file. Each line reaches the kernel in one write. A torn last
/// line that a killed writer left is ended first, so that it spoils no line but itself.
class LineAppender {
  public:
    explicit LineAppender(std::filesystem::path path);
    /// Throws Error when the line cannot be written, as on a full disk; what was written of it is
    /// taken back.
    void append(std::string_view line_without_newline);
    void sync();

  private:
    std::filesystem::path path_;
    FileDescriptor fd_;
};

}  // namespace r1
