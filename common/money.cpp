// SPDX-License-Identifier: Apache-2.0
#include "common/money.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace r1 {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kMicrosPerUnit = 1'000'000;
constexpr std::int64_t kMillisecondsPerHour = 3'600'000;

bool all_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string decimal(Wide whole, std::int64_t fraction, std::size_t digits) {
    std::string text;
    do {
        text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(whole % 10)));
        whole /= 10;
    } while (whole > 0);
    const std::string tail = std::to_string(fraction);
    return text + "." + std::string(digits - tail.size(), '0') + tail;
}

/// Millionths of a decimal number.
std::int64_t parse_micros(std::string_view text, const std::string& noun) {
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction =
        point == std::string_view::npos ? "0" : text.substr(point + 1);
    if (!all_digits(whole) || !all_digits(fraction) || whole.size() > 12 || fraction.size() > 6)
        throw std::invalid_argument("'" + std::string(text) + "' is not " + noun +
                                    "; write a decimal number such as 2.00, with "
                                    "at most six decimals and no sign");
    std::string micros{whole};
    micros.append(fraction).append(6 - fraction.size(), '0');
    return std::stoll(micros);
}

std::string micros_text(std::int64_t micros) {
    std::string text = decimal(micros / kMicrosPerUnit, micros % kMicrosPerUnit, 6);
    while (text.back() == '0' && text[text.size() - 3] != '.') text.pop_back();
    return text;
}

}  // namespace

HourlyPrice parse_hourly_price(std::string_view text) {
    return {parse_micros(text, "a price")};
}

std::string to_string(HourlyPrice price) {
    return micros_text(price.micros);
}

Amount parse_amount(std::string_view text) {
    return {parse_micros(text, "an amount")};
}

std::string to_string(Amount amount) {
    return micros_text(amount.micros);
}

Money Money::of(HourlyPrice price, std::int64_t device_milliseconds) {
    Money money;
    money.micro_milliseconds_ = Wide{price.micros} * device_milliseconds;
    return money;
}

Money Money::of(Amount amount) {
    Money money;
    money.micro_milliseconds_ = Wide{amount.micros} * kMillisecondsPerHour;
    return money;
}

Money& Money::operator+=(const Money& other) {
    micro_milliseconds_ += other.micro_milliseconds_;
    return *this;
}

Money& Money::operator-=(const Money& other) {
    micro_milliseconds_ -= other.micro_milliseconds_;
    return *this;
}

std::int64_t Money::milliseconds_at(const Money& hourly) const {
    constexpr Wide kMost = std::numeric_limits<std::int64_t>::max();
    if (micro_milliseconds_ <= 0) return 0;
    const Wide whole = micro_milliseconds_ / hourly.micro_milliseconds_;
    const Wide rest = micro_milliseconds_ % hourly.micro_milliseconds_;
    if (whole > kMost / kMillisecondsPerHour - 1) return static_cast<std::int64_t>(kMost);
    return static_cast<std::int64_t>(whole * kMillisecondsPerHour +
                                     rest * kMillisecondsPerHour / hourly.micro_milliseconds_);
}

std::string Money::to_string() const {
    constexpr Wide kCent = Wide{kMicrosPerUnit / 100} * kMillisecondsPerHour;
    // A clock that was set back gives a negative time; it is shown, not hidden.
    const bool negative = micro_milliseconds_ < 0;
    const Wide amount = negative ? -micro_milliseconds_ : micro_milliseconds_;
    const Wide cents = (amount + kCent / 2) / kCent;
    return (negative && cents > 0 ? "-" : "") +
           decimal(cents / 100, static_cast<std::int64_t>(cents % 100), 2);
}

}  // namespace r1
