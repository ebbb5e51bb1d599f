// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/sequential_file.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <system_error>
#include <utility>

namespace r1 {
namespace {

constexpr std::uint64_t kAlignment = 4096;  // of memory, offset and length of a direct read
constexpr std::uint64_t kWindowBytes = std::uint64_t{8} << 20;

// A length that a direct read may have.
std::uint64_t padded(std::uint64_t bytes) {
    return (std::min(bytes, kWindowBytes) + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

SequentialFile::SequentialFile() {
    for (Window* window : {&window_, &ahead_}) {
        window->memory.reset(static_cast<char*>(std::aligned_alloc(kAlignment, kWindowBytes)));
        if (!window->memory) throw std::bad_alloc();
    }
}

SequentialFile::~SequentialFile() {
    end_reading_ahead();
    if (queue_ != 0) ::syscall(SYS_io_destroy, queue_);
}

std::string SequentialFile::open(const std::filesystem::path& path) {
    end_reading_ahead();
    for (Window* window : {&window_, &ahead_}) window->end = window->begin;
    std::string problem = try_open_checkpoint_file(path, O_DIRECT, file_);
    direct_ = static_cast<bool>(file_.fd);
    if (!direct_) problem = try_open_checkpoint_file(path, 0, file_);
    return problem;
}

std::string SequentialFile::hash(std::uint64_t begin, std::uint64_t end, std::uint64_t limit,
                                 Hasher& hasher) {
    while (begin < end) {
        if (!window_.holds(begin))
            if (std::string problem = advance(begin, limit); !problem.empty()) return problem;
        const std::uint64_t bytes = std::min(end, window_.end) - begin;
        hasher.update(window_.memory.get() + (begin - window_.begin), bytes);
        begin += bytes;
    }
    return {};
}

// Brings the window to a place and sets off to read what follows it.
std::string SequentialFile::advance(std::uint64_t at, std::uint64_t limit) {
    end_reading_ahead();
    if (ahead_.holds(at))
        std::swap(window_, ahead_);
    else
        read(window_, at, limit);
    ahead_.end = ahead_.begin;
    if (window_.error != 0) return std::generic_category().message(window_.error);
    if (!window_.holds(at)) return "it ends too early";
    begin_reading_ahead(limit);
    return {};
}

// By the kernel, not by a thread: on a busy machine it would wait for a core at each window.
void SequentialFile::begin_reading_ahead(std::uint64_t limit) {
    if (!direct_ || window_.end >= limit || window_.end % kAlignment != 0) return;
    if (!has_asked_for_queue_) {
        // Refused where the system has too many or a container forbids it. Not asked for before it
        // is needed: to give it back takes some 20 ms.
        has_asked_for_queue_ = true;
        if (::syscall(SYS_io_setup, 1, &queue_) != 0) queue_ = 0;
    }
    if (queue_ == 0) return;
    ahead_.begin = ahead_.end = window_.end;
    iocb request{};
    request.aio_lio_opcode = IOCB_CMD_PREAD;
    request.aio_fildes = static_cast<std::uint32_t>(file_.fd.get());
    request.aio_buf = reinterpret_cast<std::uintptr_t>(ahead_.memory.get());
    request.aio_nbytes = padded(limit - ahead_.begin);
    request.aio_offset = static_cast<std::int64_t>(ahead_.begin);
    iocb* requests[] = {&request};
    reading_ahead_ = ::syscall(SYS_io_submit, queue_, 1, requests) == 1;
}

void SequentialFile::end_reading_ahead() {
    if (!reading_ahead_) return;
    io_event event{};
    while (::syscall(SYS_io_getevents, queue_, 1, 1, &event, nullptr) != 1)
        if (errno != EINTR) std::abort();  // the kernel may still write to our memory
    reading_ahead_ = false;
    // An error is found again, and told, by the one who reads there.
    if (event.res > 0) ahead_.end = ahead_.begin + static_cast<std::uint64_t>(event.res);
}

void SequentialFile::read(Window& window, std::uint64_t at, std::uint64_t limit) {
    const std::uint64_t begin = at / kAlignment * kAlignment;
    const int fd = file_.fd.get();
    window.begin = window.end = begin;
    window.error = 0;
    ssize_t got = -1;
    while (got < 0) {
        got = ::pread(fd, window.memory.get(), padded(limit - begin), static_cast<off_t>(begin));
        if (got >= 0 || errno == EINTR) continue;
        // Some file systems open a file for direct reads that they then refuse.
        const bool refused = errno == EINVAL && direct_;
        if (refused && ::fcntl(fd, F_SETFL, O_RDONLY) == 0) {
            direct_ = false;
            continue;
        }
        window.error = errno;
        return;
    }
    window.end = begin + static_cast<std::uint64_t>(got);
    if (!direct_) ::posix_fadvise(fd, static_cast<off_t>(begin), got, POSIX_FADV_DONTNEED);
}

}  // namespace r1
