// SPDX-License-Identifier: Apache-2.0
// Money as fixed-point decimal. No binary floating point ever holds an amount.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace r1 {

/// A price an hour, exact to a millionth of the currency unit.
struct HourlyPrice {
    std::int64_t micros = 0;
    friend bool operator==(const HourlyPrice&, const HourlyPrice&) = default;
};

/// "2", "2.00", "0.0135". Throws std::invalid_argument with a message for the user on anything
/// else: a sign, an exponent, more than six decimals, more than twelve digits before the point.
HourlyPrice parse_hourly_price(std::string_view text);
/// Canonical text with at least two decimals: "2.00", "0.0135".
std::string to_string(HourlyPrice price);

/// A fixed amount such as a budget, exact to a millionth of the currency unit.
struct Amount {
    std::int64_t micros = 0;
    friend bool operator==(const Amount&, const Amount&) = default;
};

/// As parse_hourly_price.
Amount parse_amount(std::string_view text);
std::string to_string(Amount amount);

/// An amount, kept exactly as price × time until it is shown.
class Money {
  public:
    Money() = default;
    /// What `device_milliseconds` of one device cost.
    static Money of(HourlyPrice price, std::int64_t device_milliseconds);
    static Money of(Amount amount);

    Money& operator+=(const Money& other);
    Money& operator-=(const Money& other);
    /// For how many milliseconds this pays a second money's worth an hour, rounded down; 0 when
    /// nothing is left. `hourly` is what one hour costs, and more than nothing.
    std::int64_t milliseconds_at(const Money& hourly) const;
    /// Rounded half up to the cent: "294000.00", "0.02".
    std::string to_string() const;
    friend auto operator<=>(const Money&, const Money&) = default;

  private:
    __extension__ __int128 micro_milliseconds_ = 0;  // millionths × milliseconds of an hour
};

}  // namespace r1
