// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/index_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#include "checkpoint/hash.h"
#include "common/error.h"
#include "common/time.h"

namespace r1 {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void throw_unusable(const std::string& what, const fs::path& path, int error) {
    throw IndexUnusable(what + " '" + path.string() + "': " + std::strerror(error));
}

}  // namespace

FileDescriptor IndexFiles::lock(bool alone, double wait_s) const {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) throw_unusable("cannot make", folder_, error.value());
    FileDescriptor fd{::open(lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!fd) throw_unusable("cannot open", lock_file(), errno);
    const double until = monotonic_seconds() + wait_s;
    while (::flock(fd.get(), (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            throw_unusable("cannot lock", lock_file(), errno);
        if (monotonic_seconds() >= until)
            throw IndexUnusable("another process holds '" + lock_file().string() + "'");
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return fd;
}

std::string IndexFiles::seal_text() const {
    const FileDescriptor fd = open_file(database(), O_RDONLY);
    Hasher hasher;
    std::uint64_t bytes = 0;
    std::vector<char> block(std::size_t{1} << 20);
    while (true) {
        const ssize_t got = ::read(fd.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_system_error("read", database().string());
        if (got == 0) break;
        hasher.update(block.data(), static_cast<std::size_t>(got));
        bytes += static_cast<std::uint64_t>(got);
    }
    return "xxh3-128 " + hasher.hex() + " " + std::to_string(bytes) + "\n";
}

IndexFiles::Condition IndexFiles::condition() const {
    std::error_code ignored;
    if (!fs::exists(database(), ignored) && !fs::exists(seal(), ignored))
        return Condition::kMissing;
    try {
        return read_file(seal(), 4096) == seal_text() ? Condition::kSealed : Condition::kDamaged;
    } catch (const Error&) {
        return Condition::kDamaged;
    }
}

void IndexFiles::break_seal() const {
    std::error_code error;
    fs::remove(seal(), error);
    if (error) throw_unusable("cannot remove", seal(), error.value());
}

void IndexFiles::write_seal() const {
    write_file_durably(seal(), seal_text(), 0600);
}

void IndexFiles::remove() const {
    break_seal();
    std::error_code error;
    fs::remove(database(), error);
    if (error) throw_unusable("cannot remove", database(), error.value());
}

std::optional<fs::path> state_folder() {
    // Relative paths are invalid by the specification of these variables, and ignored.
    const char* const state = std::getenv("XDG_STATE_HOME");
    if (state != nullptr && *state == '/') return fs::path(state) / "r1ctl";
    const char* const home = std::getenv("HOME");
    if (home != nullptr && *home == '/') return fs::path(home) / ".local" / "state" / "r1ctl";
    return std::nullopt;
}

}  // namespace r1
