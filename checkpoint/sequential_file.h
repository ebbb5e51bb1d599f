// SPDX-License-Identifier: Apache-2.0
// Reads a file once from its beginning to its end, as fast as its disk gives it. Folder-private.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "checkpoint/hash.h"
#include "checkpoint/manifest.h"

namespace r1 {

/// A file of a checkpoint, read past the page cache where the file system lets it: what the disk
/// holds is what is seen, and nobody's cached pages are driven out. Elsewhere the pages are given
/// back as soon as they are read. While one part is hashed, the next is read. Not thread-safe.
class SequentialFile {
  public:
    SequentialFile();
    ~SequentialFile();
    SequentialFile(const SequentialFile&) = delete;
    SequentialFile& operator=(const SequentialFile&) = delete;
    /// What is wrong with the file, or empty. Closes the one before.
    std::string open(const std::filesystem::path& path);
    std::uint64_t bytes() const { return file_.bytes; }
    /// Hashes bytes [begin, end) and reads ahead, but not beyond `limit`, which is at least `end`.
    /// Returns what is wrong, or empty.
    std::string hash(std::uint64_t begin, std::uint64_t end, std::uint64_t limit, Hasher& hasher);

  private:
    struct Free {
        void operator()(char* memory) const noexcept { std::free(memory); }
    };
    /// Bytes [begin, end) of the file; the memory is aligned.
    struct Window {
        std::unique_ptr<char, Free> memory;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        int error = 0;  ///< errno
        bool holds(std::uint64_t at) const { return begin <= at && at < end; }
    };
    std::string advance(std::uint64_t at, std::uint64_t limit);
    void read(Window& window, std::uint64_t at, std::uint64_t limit);
    void begin_reading_ahead(std::uint64_t limit);
    void end_reading_ahead();

    OpenedFile file_;
    bool direct_ = false;
    Window window_;
    Window ahead_;
    unsigned long queue_ = 0;  ///< of the kernel's asynchronous reads; 0: there is none
    bool has_asked_for_queue_ = false;
    bool reading_ahead_ = false;
};

}  // namespace r1
