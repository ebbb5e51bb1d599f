// SPDX-License-Identifier: Apache-2.0
// The calls on open files, and those that open them.
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "tests/crash/shim/interposer.h"

namespace r1::shim {
namespace {

bool changes(int flags) {
    return (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

int open_watched(int folder, const char* path, int flags, mode_t mode) {
    static auto* const real = next<int(int, const char*, int, mode_t)>("openat");
    const std::string where = absolute(folder, path);
    const bool watched = is_watched(where);
    if (watched && (flags & O_DIRECT) != 0 && refuses(kNoDirect)) {
        errno = EINVAL;
        return -1;
    }
    int fd = -1;
    if (watched && changes(flags)) {
        Operation operation(Kind::kOpen, where);
        operation.record.flags = flags;
        fd = operation.run([&] { return real(folder, path, flags, mode); });
    } else {
        fd = real(folder, path, flags, mode);
    }
    was_written(fd, true);
    if (records_opens()) note_look(where, flags, fd);
    return fd;
}

// Half, and for direct I/O still whole sectors.
std::size_t about_half(std::size_t bytes) {
    const std::size_t half = bytes / 2;
    if (half >= 4096) return half / 4096 * 4096;
    return half >= 512 ? half / 512 * 512 : std::max<std::size_t>(half, 1);
}

// The position at which write() will write.
std::uint64_t position(int fd) {
    const bool appends = (::fcntl(fd, F_GETFL) & O_APPEND) != 0;
    const off_t here = ::lseek(fd, 0, SEEK_CUR);
    if (!appends) return static_cast<std::uint64_t>(std::max<off_t>(here, 0));
    const off_t end = ::lseek(fd, 0, SEEK_END);
    ::lseek(fd, here, SEEK_SET);
    return static_cast<std::uint64_t>(std::max<off_t>(end, 0));
}

std::uint64_t inode_of(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/// At the descriptor's position when `offset` is below 0.
ssize_t write_watched(int fd, const void* data, std::size_t bytes, off_t offset) {
    static auto* const real_write = next<ssize_t(int, const void*, std::size_t)>("write");
    static auto* const real_pwrite = next<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
    const auto write_so_many = [&](std::size_t so_many) {
        return offset < 0 ? real_write(fd, data, so_many) : real_pwrite(fd, data, so_many, offset);
    };
    std::string where = path_of(fd);
    if (!is_watched(where)) return write_so_many(bytes);
    be_slow(bytes);
    note_written(fd);
    Operation operation(Kind::kWrite, std::move(where));
    Record& record = operation.record;
    record.inode = inode_of(fd);
    record.offset = offset < 0 ? position(fd) : static_cast<std::uint64_t>(offset);
    record.bytes = bytes;
    const std::size_t so_many = operation.shorter() ? about_half(bytes) : bytes;
    record.data.assign(static_cast<const char*>(data), so_many);
    return operation.run([&] { return write_so_many(so_many); });
}

// As one write of the joined bytes: that is what the kernel makes of it.
ssize_t writev_watched(int fd, const iovec* parts, int count, off_t offset) {
    std::string joined;
    for (int i = 0; i < count; ++i)
        joined.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    return write_watched(fd, joined.data(), joined.size(), offset);
}

/// The result in the convention of posix_fallocate is the caller's to make.
int allocate_watched(int fd, int mode, off_t offset, off_t bytes) {
    static auto* const real = next<int(int, int, off_t, off_t)>("fallocate");
    std::string where = path_of(fd);
    if (!is_watched(where)) return real(fd, mode, offset, bytes);
    note_written(fd);
    Operation operation(Kind::kAllocate, std::move(where));
    Record& record = operation.record;
    record.inode = inode_of(fd);
    record.offset = static_cast<std::uint64_t>(offset);
    record.bytes = static_cast<std::uint64_t>(bytes);
    record.flags = mode;
    if (refuses(kNoAllocate)) operation.refuse(EOPNOTSUPP);
    return operation.run([&] { return real(fd, mode, offset, bytes); });
}

template <class Call>
int simple(Kind kind, int fd, std::uint64_t offset, Call call) {
    std::string where = path_of(fd);
    if (!is_watched(where)) return call();
    Operation operation(kind, std::move(where));
    operation.record.inode = inode_of(fd);
    operation.record.offset = offset;
    return operation.run(call);
}

int flags_of(const char* mode) {
    const bool both = std::strchr(mode, '+') != nullptr;
    if (mode[0] == 'r') return both ? O_RDWR : O_RDONLY;
    return (both ? O_RDWR : O_WRONLY) | O_CREAT | (mode[0] == 'w' ? O_TRUNC : O_APPEND);
}

FILE* fopen_watched(const char* path, const char* mode) {
    static auto* const real = next<FILE*(const char*, const char*)>("fopen");
    const std::string where = absolute(AT_FDCWD, path);
    const int flags = flags_of(mode);
    FILE* file = nullptr;
    const auto open = [&] {
        file = real(path, mode);
        return file == nullptr ? -1 : ::fileno(file);
    };
    int fd = -1;
    if (is_watched(where) && changes(flags)) {
        Operation operation(Kind::kOpen, where);
        operation.record.flags = flags;
        fd = operation.run(open);
    } else {
        fd = open();
    }
    was_written(fd, true);
    if (records_opens()) note_look(where, flags, fd);
    return file;
}

}  // namespace
}  // namespace r1::shim

using namespace r1::shim;

extern "C" {

int open(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_watched(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_watched(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_watched(folder, path, flags, mode);
}

int openat64(int folder, const char* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_watched(folder, path, flags, mode);
}

// What open() becomes in programs that are built with _FORTIFY_SOURCE.
int __open_2(const char* path, int flags) {
    return open_watched(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char* path, int flags) {
    return open_watched(AT_FDCWD, path, flags, 0);
}
int __openat_2(int folder, const char* path, int flags) {
    return open_watched(folder, path, flags, 0);
}
int __openat64_2(int folder, const char* path, int flags) {
    return open_watched(folder, path, flags, 0);
}

int creat(const char* path, mode_t mode) {
    return open_watched(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char* path, mode_t mode) {
    return open_watched(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
FILE* fopen(const char* path, const char* mode) {
    return fopen_watched(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
    return fopen_watched(path, mode);
}

ssize_t write(int fd, const void* data, std::size_t bytes) {
    return write_watched(fd, data, bytes, -1);
}
ssize_t pwrite(int fd, const void* data, std::size_t bytes, off_t offset) {
    return write_watched(fd, data, bytes, offset);
}
ssize_t pwrite64(int fd, const void* data, std::size_t bytes, off64_t offset) {
    return write_watched(fd, data, bytes, offset);
}
ssize_t writev(int fd, const iovec* parts, int count) {
    static auto* const real = next<ssize_t(int, const iovec*, int)>("writev");
    if (!is_watched(path_of(fd))) return real(fd, parts, count);
    return writev_watched(fd, parts, count, -1);
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
    static auto* const real = next<ssize_t(int, const iovec*, int, off_t)>("pwritev");
    if (!is_watched(path_of(fd))) return real(fd, parts, count, offset);
    return writev_watched(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
    return pwritev(fd, parts, count, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t bytes) {
    return allocate_watched(fd, mode, offset, bytes);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
    return allocate_watched(fd, mode, offset, bytes);
}
// libc's own would write zeros where the file system cannot reserve; no wrapper would see them.
int posix_fallocate(int fd, off_t offset, off_t bytes) {
    const int saved = errno;
    const int result = allocate_watched(fd, 0, offset, bytes) == 0 ? 0 : errno;
    errno = saved;
    return result;
}
int posix_fallocate64(int fd, off64_t offset, off64_t bytes) {
    return posix_fallocate(fd, offset, bytes);
}

int ftruncate(int fd, off_t size) noexcept {
    static auto* const real = next<int(int, off_t)>("ftruncate");
    return simple(Kind::kTruncate, fd, static_cast<std::uint64_t>(size),
                  [&] { return real(fd, size); });
}
int ftruncate64(int fd, off64_t size) noexcept {
    return ftruncate(fd, size);
}
int fsync(int fd) {
    static auto* const real = next<int(int)>("fsync");
    return simple(Kind::kSync, fd, 0, [&] { return real(fd); });
}
int fdatasync(int fd) {
    static auto* const real = next<int(int)>("fdatasync");
    return simple(Kind::kSync, fd, 0, [&] { return real(fd); });
}
int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) {
    static auto* const real = next<int(int, off64_t, off64_t, unsigned)>("sync_file_range");
    return simple(Kind::kSyncRange, fd, static_cast<std::uint64_t>(offset),
                  [&] { return real(fd, offset, bytes, flags); });
}
int close(int fd) {
    static auto* const real = next<int(int)>("close");
    if (!was_written(fd, true)) return real(fd);
    return simple(Kind::kClose, fd, 0, [&] { return real(fd); });
}
}
