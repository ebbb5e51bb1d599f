// SPDX-License-Identifier: Apache-2.0
#include "common/time.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace r1 {

std::int64_t utc_milliseconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string utc_text(std::int64_t milliseconds) {
    const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

double monotonic_seconds() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

std::string short_duration(double seconds) {
    if (!(std::abs(seconds) < 1e12)) return "unknown";
    std::array<char, 64> text{};
    const auto whole = static_cast<long long>(std::llround(seconds));
    if (seconds < 59.95)
        std::snprintf(text.data(), text.size(), "%.1fs", seconds);
    else if (whole < 3600)
        std::snprintf(text.data(), text.size(), "%lldm%02llds", whole / 60, whole % 60);
    else if (whole < 86400)
        std::snprintf(text.data(), text.size(), "%lldh%02lldm", whole / 3600, whole / 60 % 60);
    else
        std::snprintf(text.data(), text.size(), "%lldd%02lldh", whole / 86400, whole / 3600 % 24);
    return text.data();
}

}  // namespace r1
