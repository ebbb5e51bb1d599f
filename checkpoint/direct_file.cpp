// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/direct_file.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "common/error.h"

namespace r1 {
namespace {

/// Bytes of one call: enough to keep a disk busy, and how much the throttle lets go at a time.
constexpr std::uint64_t kCallBytes = std::uint64_t{4} << 20;

[[noreturn]] void throw_no_room(const std::filesystem::path& path, std::uint64_t bytes, int error) {
    throw Error(ExitCode::kRunFailed, "cannot save a checkpoint: no room for " +
                                          std::to_string(bytes) + " bytes in '" +
                                          path.parent_path().parent_path().string() +
                                          "': " + std::generic_category().message(error) +
                                          "; free some space or keep fewer checkpoints");
}

/// 0, or what went wrong. A call that wrote less than it should is repeated for the rest.
int write_all_at(int fd, const std::byte* data, std::uint64_t bytes, std::uint64_t offset) {
    while (bytes > 0) {
        const ssize_t wrote = ::pwrite(fd, data, bytes, static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return errno;
        if (wrote == 0) return EIO;
        data += wrote;
        bytes -= static_cast<std::uint64_t>(wrote);
        offset += static_cast<std::uint64_t>(wrote);
    }
    return 0;
}

std::uint64_t place_in_page(const std::byte* data) {
    return reinterpret_cast<std::uintptr_t>(data) % kPageBytes;
}

}  // namespace

DirectFile::DirectFile(std::filesystem::path path)
    : path_(std::move(path)),
      buffered_(open_file(path_, O_RDWR | O_CREAT)),
      direct_(::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT)) {}

void DirectFile::reserve(std::uint64_t bytes) {
    if (bytes == 0) return;
    // Not posix_fallocate: where the file system cannot, that writes a byte into every block, also
    // into one that another process has just filled.
    int error = EINTR;
    while (error == EINTR)
        error = ::fallocate(buffered_.get(), 0, 0, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
    if (error == EOPNOTSUPP || error == ENOSYS) {
        struct statvfs room {};
        if (::fstatvfs(buffered_.get(), &room) != 0)
            throw_system_error("ask for the room of", path_.string());
        error = room.f_bavail * room.f_frsize < bytes ? ENOSPC : 0;
    }
    if (error != 0) throw_no_room(path_, bytes, error);
}

void DirectFile::write(const void* data, std::uint64_t bytes, std::uint64_t offset,
                       Throttle& throttle) {
    const auto* const from = static_cast<const std::byte*>(data);
    const std::uint64_t first_page = std::min(round_up_to_page(offset), offset + bytes);
    const std::uint64_t last_page =
        std::max(first_page, (offset + bytes) / kPageBytes * kPageBytes);
    write_buffered(from, first_page - offset, offset);
    write_pages(from + (first_page - offset), last_page - first_page, first_page, throttle);
    write_buffered(from + (last_page - offset), offset + bytes - last_page, last_page);
}

void DirectFile::write_pages(const std::byte* data, std::uint64_t bytes, std::uint64_t offset,
                             Throttle& throttle) {
    while (bytes > 0) {
        const std::uint64_t now = std::min(bytes, kCallBytes);
        throttle.pace(now);
        const std::byte* from = data;
        if (direct_ && place_in_page(data) != 0) {
            bounce_.reserve(kCallBytes);
            std::memcpy(bounce_.data(), data, now);
            from = bounce_.data();
        }
        const int error = direct_ ? write_all_at(direct_.get(), from, now, offset) : EINVAL;
        // A file system may open a file for direct I/O and then not do it.
        if (error == EINVAL) {
            direct_ = FileDescriptor();
            write_buffered(data, now, offset);
        } else if (error != 0) {
            errno = error;
            throw_system_error("write", path_.string());
        }
        data += now;
        bytes -= now;
        offset += now;
    }
}

void DirectFile::write_buffered(const std::byte* data, std::uint64_t bytes, std::uint64_t offset) {
    const int error = write_all_at(buffered_.get(), data, bytes, offset);
    if (error == 0) return;
    errno = error;
    throw_system_error("write", path_.string());
}

void DirectFile::sync() {
    sync_file(buffered_.get(), path_);
}

}  // namespace r1
