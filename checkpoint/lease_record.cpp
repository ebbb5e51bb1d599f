// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/lease_record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "checkpoint/hash.h"
#include "checkpoint/process.h"
#include "checkpoint/record_fields.h"
#include "common/error.h"
#include "common/host.h"
#include "common/json.h"
#include "common/time.h"

namespace r1 {
namespace {

constexpr int kSchema = 1;

Json to_json(const LeaseRecord& record) {
    const LeaseHolder& holder = record.holder;
    return {{"schema", kSchema},
            {"attempt", holder.attempt},
            {"host", holder.host},
            {"pid", holder.pid},
            {"start_ticks", holder.start_ticks},
            {"boot_id", holder.boot_id},
            {"process_namespace", record.process_namespace},
            {"job", holder.job},
            {"restarts", holder.restarts},
            {"token", record.token},
            {"beat", record.beat}};
}

}  // namespace

std::optional<LeaseRecord> read_lease(const RunDirectory& run) {
    try {
        return read_fields(run.writer(), kSchema, [](const Json& r) {
            LeaseRecord record;
            record.holder.attempt = r.at("attempt").get<int>();
            record.holder.host = r.at("host").get<std::string>();
            record.holder.pid = r.at("pid").get<std::int64_t>();
            record.holder.start_ticks = r.at("start_ticks").get<std::int64_t>();
            record.holder.boot_id = r.at("boot_id").get<std::string>();
            record.process_namespace = r.at("process_namespace").get<std::string>();
            record.holder.job = r.at("job").get<std::int64_t>();
            record.holder.restarts = r.at("restarts").get<std::int64_t>();
            record.token = r.at("token").get<std::string>();
            record.beat = r.at("beat").get<std::int64_t>();
            return record;
        });
    } catch (const Error& e) {
        std::error_code error;
        if (!std::filesystem::exists(run.writer(), error) && !error) return std::nullopt;
        throw Error(ExitCode::kRunFailed, std::string("it is not known who writes to the run: ") +
                                              e.what() +
                                              "; remove that file once nothing runs any more");
    }
}

void write_lease(const RunDirectory& run, const LeaseRecord& record) {
    write_record(run.writer(), to_json(record));
}

bool create_lease(const RunDirectory& run, const LeaseRecord& record) {
    const std::filesystem::path ready = run.root() / (".writer-" + record.token);
    write_record(ready, to_json(record));
    bool created = ::link(ready.c_str(), run.writer().c_str()) == 0;
    int error = errno;
    // A file system without links: the lock that the caller holds must do.
    if (!created && (error == EPERM || error == ENOSYS || error == EOPNOTSUPP)) {
        created = ::rename(ready.c_str(), run.writer().c_str()) == 0;
        error = errno;
    }
    ::unlink(ready.c_str());
    errno = error;
    if (!created && error != EEXIST) throw_system_error("write", run.writer().string());
    return created;
}

void remove_lease(const RunDirectory& run) {
    if (::unlink(run.writer().c_str()) != 0 && errno != ENOENT)
        throw_system_error("remove", run.writer().string());
}

std::string lease_token() {
    Hash128 random;
    if (::getrandom(random.bytes.data(), random.bytes.size(), 0) !=
        static_cast<ssize_t>(random.bytes.size()))
        throw_system_error("read", "random bytes");
    return to_hex(random);
}

// A host's name alone proves nothing, as two machines may bear one name; nor does a process number,
// as each container counts its own.
Life life_of(const LeaseRecord& record) {
    const LeaseHolder& holder = record.holder;
    if (holder.host != host_name() || holder.boot_id.empty() || holder.boot_id != boot_id() ||
        record.process_namespace != process_namespace())
        return Life::kUnknown;
    return process_start_ticks(holder.pid) == holder.start_ticks ? Life::kLives : Life::kDied;
}

LeaseLock::LeaseLock(const RunDirectory& run, double seconds)
    : fd_(open_file(run.writer_lock(), O_RDWR | O_CREAT)) {
    constexpr auto kPause = std::chrono::milliseconds(10);
    const double end = monotonic_seconds() + seconds;
    while (!locked_) {
        locked_ = ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0;
        if (locked_) return;
        supported_ = errno == EWOULDBLOCK || errno == EINTR;
        if (!supported_ || monotonic_seconds() > end) return;
        std::this_thread::sleep_for(kPause);
    }
}

}  // namespace r1
