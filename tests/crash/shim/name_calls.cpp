// SPDX-License-Identifier: Apache-2.0
// The calls that change folders.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/shim/interposer.h"

namespace r1::shim {
namespace {

int mkdir_watched(int folder, const char* path, mode_t mode) {
    static auto* const real = next<int(int, const char*, mode_t)>("mkdirat");
    const std::string where = absolute(folder, path);
    if (!is_watched(where)) return real(folder, path, mode);
    Operation operation(Kind::kMkdir, where);
    return operation.run([&] { return real(folder, path, mode); });
}

int rename_watched(int from_folder, const char* from, int to_folder, const char* to,
                   unsigned flags) {
    static auto* const real = next<int(int, const char*, int, const char*, unsigned)>("renameat2");
    const std::string source = absolute(from_folder, from);
    const std::string target = absolute(to_folder, to);
    const auto call = [&] { return real(from_folder, from, to_folder, to, flags); };
    if (!is_watched(source) && !is_watched(target)) return call();
    Operation operation(Kind::kRename, source, target);
    operation.record.flags = static_cast<int>(flags);
    if (flags != 0 && refuses(kNoExchange)) operation.refuse(EINVAL);
    return operation.run(call);
}

int link_watched(int from_folder, const char* from, int to_folder, const char* to, int flags) {
    static auto* const real = next<int(int, const char*, int, const char*, int)>("linkat");
    const std::string target = absolute(to_folder, to);
    const auto call = [&] { return real(from_folder, from, to_folder, to, flags); };
    if (!is_watched(target)) return call();
    Operation operation(Kind::kLink, absolute(from_folder, from), target);
    operation.record.flags = flags;
    if (refuses(kNoHardLinks)) operation.refuse(EPERM);
    return operation.run(call);
}

int symlink_watched(const char* content, int folder, const char* path) {
    static auto* const real = next<int(const char*, int, const char*)>("symlinkat");
    const std::string where = absolute(folder, path);
    if (!is_watched(where)) return real(content, folder, path);
    Operation operation(Kind::kSymlink, content, where);
    return operation.run([&] { return real(content, folder, path); });
}

int unlink_watched(int folder, const char* path, int flags) {
    static auto* const real = next<int(int, const char*, int)>("unlinkat");
    const std::string where = absolute(folder, path);
    if (!is_watched(where)) return real(folder, path, flags);
    Operation operation((flags & AT_REMOVEDIR) != 0 ? Kind::kRmdir : Kind::kUnlink, where);
    return operation.run([&] { return real(folder, path, flags); });
}

int truncate_watched(const char* path, off_t size) {
    static auto* const real = next<int(const char*, off_t)>("truncate");
    const std::string where = absolute(AT_FDCWD, path);
    if (!is_watched(where)) return real(path, size);
    Operation operation(Kind::kTruncate, where);
    struct stat status {};
    if (::stat(path, &status) == 0) operation.record.inode = status.st_ino;
    operation.record.offset = static_cast<std::uint64_t>(size);
    return operation.run([&] { return real(path, size); });
}

}  // namespace
}  // namespace r1::shim

using namespace r1::shim;

extern "C" {

int mkdir(const char* path, mode_t mode) noexcept {
    return mkdir_watched(AT_FDCWD, path, mode);
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
    return mkdir_watched(folder, path, mode);
}

int rename(const char* from, const char* to) noexcept {
    return rename_watched(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
    return rename_watched(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
    return rename_watched(from_folder, from, to_folder, to, flags);
}

int link(const char* from, const char* to) noexcept {
    return link_watched(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
    return link_watched(from_folder, from, to_folder, to, flags);
}
int symlink(const char* content, const char* path) noexcept {
    return symlink_watched(content, AT_FDCWD, path);
}
int symlinkat(const char* content, int folder, const char* path) noexcept {
    return symlink_watched(content, folder, path);
}

int unlink(const char* path) noexcept {
    return unlink_watched(AT_FDCWD, path, 0);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
    return unlink_watched(folder, path, flags);
}
int rmdir(const char* path) noexcept {
    return unlink_watched(AT_FDCWD, path, AT_REMOVEDIR);
}
// libc's own calls unlink and rmdir where no wrapper sees them.
int remove(const char* path) noexcept {
    if (unlink_watched(AT_FDCWD, path, 0) == 0) return 0;
    return errno == EISDIR ? unlink_watched(AT_FDCWD, path, AT_REMOVEDIR) : -1;
}

int truncate(const char* path, off_t size) noexcept {
    return truncate_watched(path, size);
}
int truncate64(const char* path, off64_t size) noexcept {
    return truncate_watched(path, size);
}
}
