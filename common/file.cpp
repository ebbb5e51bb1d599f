// SPDX-License-Identifier: Apache-2.0
#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/error.h"

namespace r1 {

void FileDescriptorTraits::close(int fd) noexcept {
    ::close(fd);
}

FileDescriptor open_file(const std::filesystem::path& path, int flags, unsigned mode) {
    FileDescriptor fd{::open(path.c_str(), flags | O_CLOEXEC, mode)};
    if (!fd) throw_system_error("open", path.string());
    return fd;
}

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
    const FileDescriptor fd = open_file(path, O_RDONLY);
    std::string bytes;
    char block[1 << 16];
    while (true) {
        const ssize_t got = ::read(fd.get(), block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_system_error("read", path.string());
        if (got == 0) return bytes;
        bytes.append(block, static_cast<std::size_t>(got));
        if (bytes.size() > max_bytes)
            throw Error(ExitCode::kRunFailed, "'" + path.string() + "' is larger than " +
                                                  std::to_string(max_bytes) + " bytes");
    }
}

void write_all(int fd, std::string_view bytes, const std::filesystem::path& path_for_errors) {
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) throw_system_error("write", path_for_errors.string());
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
}

void sync_file(int fd, const std::filesystem::path& path_for_errors) {
    if (::fsync(fd) != 0) throw_system_error("fsync", path_for_errors.string());
}

void sync_folder(const std::filesystem::path& folder) {
    const FileDescriptor fd = open_file(folder, O_RDONLY | O_DIRECTORY);
    sync_file(fd.get(), folder);
}

namespace {

struct NewFile {
    std::filesystem::path path;
    FileDescriptor fd;
};

/// A file that nobody else has open. Process numbers repeat over the hosts of a shared file system
/// and after a crash, so a taken name is left alone and the next one tried.
NewFile create_temporary(const std::filesystem::path& folder, const std::string& name,
                         unsigned mode) {
    for (int attempt = 0;; ++attempt) {
        const std::string suffix = std::to_string(::getpid()) + "-" + std::to_string(attempt);
        const std::filesystem::path path = folder / ("." + name + ".tmp-" + suffix);
        FileDescriptor fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
        if (fd) return {path, std::move(fd)};
        if (errno != EEXIST) throw_system_error("create", path.string());
    }
}

/// Whether the file's last line lacks its newline: its writer was killed in the middle.
bool ends_torn(int fd, const std::filesystem::path& path) {
    const off_t size = ::lseek(fd, 0, SEEK_END);
    if (size <= 0) return false;
    char last = 0;
    if (::pread(fd, &last, 1, size - 1) != 1) throw_system_error("read", path.string());
    return last != '\n';
}

}  // namespace

void write_file_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
    const std::filesystem::path folder =
        path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
    auto [temporary, fd] = create_temporary(folder, path.filename().string(), mode);
    try {
        write_all(fd.get(), bytes, temporary);
        sync_file(fd.get(), temporary);
        if (::rename(temporary.c_str(), path.c_str()) != 0)
            throw_system_error("rename to", path.string());
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
    sync_folder(folder);
}

LineAppender::LineAppender(std::filesystem::path path)
    : path_(std::move(path)), fd_(open_file(path_, O_RDWR | O_CREAT | O_APPEND)) {
    if (ends_torn(fd_.get(), path_)) write_all(fd_.get(), "\n", path_);
}

void LineAppender::append(std::string_view line_without_newline) {
    std::string line{line_without_newline};
    line.push_back('\n');
    const off_t end = ::lseek(fd_.get(), 0, SEEK_END);
    try {
        write_all(fd_.get(), line, path_);
    } catch (...) {
        // If that fails too, the next line is spoilt with this one, as after a torn write.
        [[maybe_unused]] const bool taken_back = end >= 0 && ::ftruncate(fd_.get(), end) == 0;
        throw;
    }
}

void LineAppender::sync() {
    sync_file(fd_.get(), path_);
}

}  // namespace r1
