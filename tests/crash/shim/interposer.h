// SPDX-License-Identifier: Apache-2.0
// What the wrappers of libc's calls share.
#pragma once

#include <dlfcn.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <string>

#include "tests/crash/shim/operation_log.h"

namespace r1::shim {

/// libc's own function of this name, or the next one before it.
template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// The absolute path that the call means, without "." and "..".
std::string absolute(int folder, const char* path);
/// Of an open descriptor; empty when it has none.
std::string path_of(int fd);
bool is_watched(const std::string& absolute_path);

/// What the plan says about the next operation of a kind.
struct Verdict {
    int error = 0;  ///< give this instead of doing it
    bool shorter = false;
};

/// One operation below the root. While it lives, no other operation of the process happens.
class Operation {
  public:
    Operation(Kind kind, std::string path, std::string path2 = {});
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    ~Operation();

    /// The call's result, or -1 with the plan's errno. A close is done even when it is to fail.
    template <class Call>
    auto run(Call call) -> decltype(call()) {
        decltype(call()) result = -1;
        if (verdict_.error == 0 || record.kind == Kind::kClose) result = call();
        if (verdict_.error != 0) {
            result = -1;
            errno = verdict_.error;
        }
        finish(static_cast<std::int64_t>(result));
        return result;
    }
    bool shorter() const { return verdict_.shorter; }
    void refuse(int error) { verdict_.error = error; }

    Record record;  ///< the wrapper fills in flags, offset, bytes, data

  private:
    void finish(std::int64_t result);
    Verdict verdict_;
};

/// Waits as long as writing so many bytes takes in the plan.
void be_slow(std::uint64_t bytes);
bool refuses(Refusal what);
bool records_opens();
/// Logs an open that changes nothing, and leaves errno as it is.
void note_look(const std::string& path, int flags, int result);
/// Whether a descriptor was written to since it was opened; forgets it with `forget`.
void note_written(int fd);
bool was_written(int fd, bool forget);

}  // namespace r1::shim
