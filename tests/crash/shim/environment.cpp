// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/shim/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

namespace r1::shim {
namespace {

struct ErrorName {
    std::string_view name;
    int value;
};
constexpr ErrorName kErrors[] = {
    {"EACCES", EACCES}, {"EBADF", EBADF}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR},
    {"EINVAL", EINVAL}, {"EIO", EIO},     {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM},
    {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"ESTALE", ESTALE}, {"ETIMEDOUT", ETIMEDOUT},
};

[[noreturn]] void refuse(const char* name, const char* text) {
    std::fprintf(stderr, "crash shim: %s=%s is not understood\n", name, text);
    ::_exit(2);
}

template <class Number>
void read_number(const char* name, Number& value) {
    const char* text = ::getenv(name);
    if (text == nullptr) return;
    const std::string_view view = text;
    const auto parsed = std::from_chars(view.data(), view.data() + view.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != view.data() + view.size()) refuse(name, text);
}

void read_error(const char* name, int& value) {
    const char* text = ::getenv(name);
    if (text == nullptr) return;
    for (const ErrorName& error : kErrors) {
        if (error.name != text) continue;
        value = error.value;
        return;
    }
    refuse(name, text);
}

bool is_the_rank() {
    constexpr const char* kName = "R1_SHIM_RANK";
    const char* wanted = ::getenv(kName);
    if (wanted == nullptr) return true;
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"})
        if (const char* rank = ::getenv(name)) return ::strcmp(rank, wanted) == 0;
    return false;  // mpirun itself, or a process that is no rank
}

}  // namespace

bool read_environment(Plan& plan, bool& harms) {
    plan.root = ::getenv("R1_SHIM_ROOT");
    if (plan.root == nullptr) return false;
    plan.log = ::getenv("R1_SHIM_LOG");
    plan.counter = ::getenv("R1_SHIM_COUNTER");
    read_number("R1_SHIM_KILL_BEFORE", plan.kill_before);
    read_number("R1_SHIM_KILL_AFTER", plan.kill_after);
    read_number("R1_SHIM_FAIL_AT", plan.fail_at);
    read_error("R1_SHIM_FAIL_ERRNO", plan.fail_errno);
    read_number("R1_SHIM_FAIL_TIMES", plan.fail_times);
    read_number("R1_SHIM_FAIL_KINDS", plan.fail_kinds);
    read_number("R1_SHIM_SHORT_AT", plan.short_at);
    read_number("R1_SHIM_SHORT_TIMES", plan.short_times);
    read_number("R1_SHIM_BYTES_PER_SECOND", plan.bytes_per_second);
    read_number("R1_SHIM_REFUSE", plan.refuse);
    int record_opens = 0;
    read_number("R1_SHIM_RECORD_OPENS", record_opens);
    plan.record_opens = record_opens != 0;
    if (plan.fail_at != 0 && plan.fail_errno == 0) refuse("R1_SHIM_FAIL_ERRNO", "");
    harms = is_the_rank();
    return true;
}

}  // namespace r1::shim
