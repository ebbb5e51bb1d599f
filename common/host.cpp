// SPDX-License-Identifier: Apache-2.0
#include "common/host.h"

#include <unistd.h>

#include <array>
#include <cstdlib>

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

}  // namespace r1
