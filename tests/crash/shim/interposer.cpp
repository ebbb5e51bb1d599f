// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/shim/interposer.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>

#include "tests/crash/shim/environment.h"

namespace r1::shim {
namespace {

// The own calls go to the kernel directly: no wrapper sees them.
int open_plainly(const std::string& path, int flags) {
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path.c_str(), flags | O_CLOEXEC, 0644));
}

void close_plainly(int& fd) {
    if (fd >= 0) ::syscall(SYS_close, fd);
    fd = -1;
}

/// The plan and how far it has come. Never destroyed: calls come until the process is gone.
struct State {
    std::recursive_mutex mutex;
    Plan plan;
    std::string root;  ///< empty: not armed
    int log = -1;
    int counter = -1;
    bool harms = true;  ///< this process is the one to be killed or failed
    std::uint64_t operations = 0;
    std::uint64_t failed = 0;
    std::uint64_t shortened = 0;
    std::array<std::atomic<bool>, 4096> written{};

    void arm(const Plan& next_plan, bool next_harms) {
        disarm();
        plan = next_plan;
        harms = next_harms;
        operations = failed = shortened = 0;
        if (plan.log != nullptr) log = open_plainly(plan.log, O_WRONLY | O_CREAT | O_APPEND);
        if (plan.counter != nullptr) counter = open_plainly(plan.counter, O_RDWR | O_CREAT);
        std::array<char, PATH_MAX> real{};
        if (plan.root == nullptr) return;
        root = ::realpath(plan.root, real.data()) != nullptr ? real.data() : plan.root;
    }
    void disarm() {
        root.clear();
        close_plainly(log);
        close_plainly(counter);
        plan = Plan{};
    }
};

State& state() {
    static State& the = *[] {
        auto* made = new State;
        Plan plan;
        bool harms = true;
        if (read_environment(plan, harms)) made->arm(plan, harms);
        return made;
    }();
    return the;
}

// The number of the operation that begins; over all processes when they share a counter, which then
// stays locked until end_number(). The lock of a process that dies is released by the kernel.
std::uint64_t begin_number(State& s) {
    ++s.operations;
    if (s.counter < 0) return s.operations;
    ::flock(s.counter, LOCK_EX);
    std::uint64_t number = 0;
    if (::syscall(SYS_pread64, s.counter, &number, sizeof number, 0) != sizeof number) number = 0;
    ++number;
    ::syscall(SYS_pwrite64, s.counter, &number, sizeof number, 0);
    return number;
}

void end_number(State& s) {
    if (s.counter >= 0) ::flock(s.counter, LOCK_UN);
}

void write_log(State& s, Record& record) {
    if (s.log < 0) return;
    record.pid = ::getpid();
    record.path_bytes = static_cast<std::uint32_t>(record.path.size());
    record.path2_bytes = static_cast<std::uint32_t>(record.path2.size());
    record.data_bytes = record.data.size();
    std::string bytes(sizeof(RecordHead), '\0');
    const RecordHead& head = record;
    std::memcpy(bytes.data(), &head, sizeof head);
    bytes += record.path;
    bytes += record.path2;
    bytes += record.data;
    ::syscall(SYS_write, s.log, bytes.data(), bytes.size());
}

void die() {
    ::kill(::getpid(), SIGKILL);
    while (true) ::pause();
}

// The inode that the record is about: where there was none before, the one that came to be.
void find_inode(Record& record) {
    struct stat status {};
    int found = -1;
    if (record.kind == Kind::kOpen)
        found = ::fstat(static_cast<int>(record.result), &status);
    else if (record.kind == Kind::kMkdir)
        found = ::lstat(record.path.c_str(), &status);
    else if (record.kind == Kind::kLink || record.kind == Kind::kSymlink)
        found = ::lstat(record.path2.c_str(), &status);
    if (found == 0) record.inode = status.st_ino;
}

std::string normal(const std::string& path) {
    std::string out;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string part = path.substr(at, end - at);
        if (part == "..")
            out.resize(out.empty() ? 0 : out.rfind('/'));
        else if (!part.empty() && part != ".")
            out += "/" + part;
        at = end + 1;
    }
    return out.empty() ? "/" : out;
}

}  // namespace

std::string path_of(int fd) {
    std::array<char, PATH_MAX> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string{};
}

std::string absolute(int folder, const char* path) {
    if (path[0] == '/') return normal(path);
    std::array<char, PATH_MAX> here{};
    if (folder != AT_FDCWD) return normal(path_of(folder) + "/" + path);
    return ::getcwd(here.data(), here.size()) == nullptr
               ? path
               : normal(here.data() + ("/" + std::string(path)));
}

bool is_watched(const std::string& path) {
    const int saved = errno;
    State& s = state();
    errno = saved;
    return !s.root.empty() && path.starts_with(s.root) &&
           (path.size() == s.root.size() || path[s.root.size()] == '/');
}

Operation::Operation(Kind kind, std::string path, std::string path2) {
    State& s = state();
    s.mutex.lock();
    record.kind = kind;
    record.path = std::move(path);
    record.path2 = std::move(path2);
    record.number = begin_number(s);
    const Plan& plan = s.plan;
    if (!s.harms) return;
    if (record.number == plan.kill_before) die();
    if (plan.fail_at != 0 && record.number >= plan.fail_at && s.failed < plan.fail_times &&
        (plan.fail_kinds & bit(kind)) != 0) {
        ++s.failed;
        verdict_.error = plan.fail_errno;
    }
    if (kind == Kind::kWrite && plan.short_at != 0 && record.number >= plan.short_at &&
        s.shortened < plan.short_times) {
        ++s.shortened;
        verdict_.shorter = true;
    }
}

void Operation::finish(std::int64_t result) {
    const int error = errno;
    record.result = result;
    record.error = result < 0 ? error : 0;
    if (record.inode == 0 && result >= 0) find_inode(record);
    if (record.kind == Kind::kWrite)
        record.data.resize(result < 0 ? 0 : static_cast<std::size_t>(result));
    State& s = state();
    write_log(s, record);
    if (s.harms && record.number == s.plan.kill_after) die();
    errno = error;
}

Operation::~Operation() {
    const int error = errno;
    State& s = state();
    end_number(s);
    s.mutex.unlock();
    errno = error;
}

void be_slow(std::uint64_t bytes) {
    const std::uint64_t speed = state().plan.bytes_per_second;
    if (speed > 0) ::usleep(static_cast<useconds_t>(bytes * 1000000 / speed));
}

bool refuses(Refusal what) {
    return (state().plan.refuse & what) != 0;
}

bool records_opens() {
    return state().plan.record_opens;
}

void note_look(const std::string& path, int flags, int result) {
    const int error = errno;
    State& s = state();
    const std::lock_guard lock(s.mutex);
    Record record;
    record.kind = Kind::kLook;
    record.path = path;
    if (result >= 0) record.path2 = path_of(result);
    record.flags = flags;
    record.result = result;
    record.error = result < 0 ? error : 0;
    write_log(s, record);
    errno = error;
}

void note_written(int fd) {
    State& s = state();
    if (fd >= 0 && static_cast<std::size_t>(fd) < s.written.size())
        s.written[static_cast<std::size_t>(fd)] = true;
}

bool was_written(int fd, bool forget) {
    State& s = state();
    if (fd < 0 || static_cast<std::size_t>(fd) >= s.written.size()) return false;
    std::atomic<bool>& flag = s.written[static_cast<std::size_t>(fd)];
    return forget ? flag.exchange(false) : flag.load();
}

}  // namespace r1::shim

extern "C" {

void r1_shim_arm(const r1::shim::Plan* plan) {
    r1::shim::State& s = r1::shim::state();
    const std::lock_guard lock(s.mutex);
    s.arm(*plan, true);
}

void r1_shim_disarm() {
    r1::shim::State& s = r1::shim::state();
    const std::lock_guard lock(s.mutex);
    s.disarm();
}

std::uint64_t r1_shim_operations() {
    r1::shim::State& s = r1::shim::state();
    const std::lock_guard lock(s.mutex);
    return s.operations;
}

void r1_shim_mark(const char* text) {
    r1::shim::State& s = r1::shim::state();
    const std::lock_guard lock(s.mutex);
    r1::shim::Record record;
    record.path = text;
    r1::shim::write_log(s, record);
}
}
