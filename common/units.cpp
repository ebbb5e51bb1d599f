// SPDX-License-Identifier: Apache-2.0
#include "common/units.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace r1 {

namespace {

__extension__ using Wide = __int128;

constexpr std::array<std::pair<char, std::int64_t>, 4> kDurationUnits{
    {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

constexpr std::array<std::pair<std::string_view, std::int64_t>, 9> kByteUnits{{
    {"TiB", std::int64_t{1} << 40},
    {"GiB", std::int64_t{1} << 30},
    {"MiB", std::int64_t{1} << 20},
    {"KiB", std::int64_t{1} << 10},
    {"TB", 1'000'000'000'000},
    {"GB", 1'000'000'000},
    {"MB", 1'000'000},
    {"KB", 1'000},
    {"B", 1},
}};

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw std::invalid_argument("'" + std::string(text) + "' " + std::string(why));
}

/// Reads digits at `at` and moves behind them; false when there are none. Too many give INT64_MAX.
bool read_number(std::string_view text, std::size_t& at, std::int64_t& value) {
    if (at >= text.size() || text[at] < '0' || text[at] > '9') return false;
    const auto [end, failed] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (failed != std::errc{}) value = INT64_MAX;
    at = static_cast<std::size_t>(end - text.data());
    return true;
}

/// A size as it is written: exact, since a double would round above 2^53 and miss 4.35KB.
struct Decimal {
    std::int64_t whole = 0;
    std::int64_t fraction = 0;  ///< over `scale`
    std::int64_t scale = 1;
};

bool read_decimal(std::string_view text, std::size_t& at, Decimal& value) {
    if (!read_number(text, at, value.whole)) return false;
    if (at == text.size() || text[at] != '.') return true;
    const std::size_t first = ++at;
    if (!read_number(text, at, value.fraction) || at - first > 18) return false;
    for (std::size_t i = first; i < at; ++i) value.scale *= 10;
    return true;
}

[[noreturn]] void refuse_clock_form(std::string_view text) {
    std::size_t at = 0;
    std::int64_t first = 0;
    std::int64_t second = 0;
    const bool two_parts = read_number(text, at, first) && at < text.size() && text[at] == ':' &&
                           read_number(text, ++at, second) && at == text.size();
    if (!two_parts) refuse(text, "is not a duration; write it with units, as in 4d, 1h30m or 90s");
    refuse(text, "could mean " + std::to_string(first) + "h" + std::to_string(second) + "m or " +
                     std::to_string(first) + "m" + std::to_string(second) +
                     "s; write the one you mean");
}

}  // namespace

Duration parse_duration(std::string_view text) {
    if (text.find(':') != std::string_view::npos) refuse_clock_form(text);
    std::int64_t total = 0;
    std::int64_t smaller_than = INT64_MAX;
    std::size_t at = 0;
    if (text.empty()) refuse(text, "is not a duration; write it as in 4d, 1h30m or 90s");
    while (at < text.size()) {
        std::int64_t value = 0;
        if (!read_number(text, at, value))
            refuse(text, "is not a duration; write it as in 4d, 1h30m or 90s");
        if (at == text.size()) refuse(text, "has no unit; write d, h, m or s after the number");
        std::int64_t unit = 0;
        for (const auto& [letter, seconds] : kDurationUnits)
            if (text[at] == letter) unit = seconds;
        if (unit == 0) refuse(text, "has an unknown unit; durations use d, h, m and s");
        if (value == INT64_MAX) refuse(text, "is too long a duration");
        if (unit >= smaller_than) refuse(text, "has its units out of order; write d, h, m, s");
        if (__builtin_mul_overflow(value, unit, &value) ||
            __builtin_add_overflow(total, value, &total))
            refuse(text, "is too long a duration");
        smaller_than = unit;
        ++at;
    }
    return {total};
}

std::string to_string(Duration duration) {
    std::string text;
    std::int64_t rest = duration.seconds;
    for (const auto& [letter, seconds] : kDurationUnits) {
        if (rest >= seconds) text += std::to_string(rest / seconds) + letter;
        rest %= seconds;
    }
    return text.empty() ? "0s" : text;
}

Bytes parse_bytes(std::string_view text) {
    Decimal value;
    std::size_t at = 0;
    if (!read_decimal(text, at, value))
        refuse(text, "is not a size; write it as in 64GiB or 512MiB");
    const std::string_view unit = text.substr(at);
    if (unit.empty()) refuse(text, "has no unit; write B, KiB, MiB, GiB or TiB after the number");
    for (const auto& [name, bytes] : kByteUnits) {
        if (unit != name) continue;
        const Wide part = Wide{value.fraction} * bytes;
        const Wide count = Wide{value.whole} * bytes + part / value.scale;
        if (value.whole == INT64_MAX || count > INT64_MAX) refuse(text, "is too large a size");
        if (part % value.scale != 0) refuse(text, "is not a whole number of bytes");
        return {static_cast<std::int64_t>(count)};
    }
    refuse(text, "has an unknown unit; sizes use B, KiB, MiB, GiB, TiB, KB, MB, GB and TB");
}

std::string to_string(Bytes bytes) {
    for (const auto& [name, unit] : kByteUnits)
        if (name.size() != 2 && bytes.count != 0 && bytes.count % unit == 0)
            return std::to_string(bytes.count / unit) + std::string(name);
    return std::to_string(bytes.count) + "B";
}

}  // namespace r1
