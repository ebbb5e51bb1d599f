// SPDX-License-Identifier: Apache-2.0
// Months in UTC, of moments in milliseconds since 1970.
#pragma once

#include <chrono>
#include <cstdint>

namespace r1 {

inline std::chrono::year_month month_at(std::int64_t moment) {
    const std::chrono::sys_time time{std::chrono::milliseconds(moment)};
    const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
    return {day.year(), day.month()};
}

/// Its first moment.
inline std::int64_t begin_of(std::chrono::year_month month) {
    const std::chrono::sys_time<std::chrono::milliseconds> first = std::chrono::sys_days(month / 1);
    return first.time_since_epoch().count();
}

/// 202611.
inline int number_of(std::chrono::year_month month) {
    return static_cast<int>(month.year()) * 100 +
           static_cast<int>(static_cast<unsigned>(month.month()));
}

}  // namespace r1
