// SPDX-License-Identifier: Apache-2.0
#include "common/host.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

namespace r1 {

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown-host";
    return name.data();
}

std::string node_name() {
    const char* node = std::getenv("SLURMD_NODENAME");
    return node != nullptr && *node != '\0' ? node : host_name();
}

std::string user_name() {
    const uid_t user = ::geteuid();
    std::vector<char> text(16'384);
    passwd entry{};
    passwd* found = nullptr;
    const int failed = ::getpwuid_r(user, &entry, text.data(), text.size(), &found);
    if (failed != 0 || found == nullptr || *entry.pw_name == '\0') return std::to_string(user);
    return entry.pw_name;
}

}  // namespace r1
