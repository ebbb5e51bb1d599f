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

std::optional<std::int64_t> parse_utc(std::string_view text) {
    constexpr std::string_view kDay = "dddd-dd-dd";
    constexpr std::string_view kMoment = "dddd-dd-ddTdd:dd:ddZ";
    const std::string_view form = text.size() == kDay.size() ? kDay : kMoment;
    if (text.size() != form.size()) return std::nullopt;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !digit : text[i] != form[i]) return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = 0;
        for (const char c : text.substr(at, digits)) value = value * 10 + (c - '0');
        return value;
    };
    const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                          std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    if (!day.ok()) return std::nullopt;
    std::int64_t seconds = 0;
    if (form == kMoment) {
        if (number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59) return std::nullopt;
        seconds = number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
    }
    const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
    return (days * 86'400 + seconds) * 1000;
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
