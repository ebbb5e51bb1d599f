// SPDX-License-Identifier: Apache-2.0
// Money as fixed-point decimal. No binary floating point ever holds an amount.
#pragma once

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

/// An amount, kept exactly as price × time until it is shown.
class Money {
  public:
    Money() = default;
    /// What `device_milliseconds` of one device cost.
    static Money of(HourlyPrice price, std::int64_t device_milliseconds);

    Money& operator+=(const Money& other);
    /// Rounded half up to the cent: "294000.00", "0.02".
    std::string to_string() const;
    friend bool operator==(const Money&, const Money&) = default;

  private:
    __extension__ __int128 micro_milliseconds_ = 0;  // millionths × milliseconds of an hour
};

}  // namespace r1
