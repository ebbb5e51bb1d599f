// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "common/money.h"
#include "common/units.h"

namespace r1 {

enum class ValueType {
    kWhole,
    kReal,
    kFlag,
    kText,
    kChoice,
    kDuration,
    kSize,
    kPrice,
    kAmount,
    kTexts,
    kTextMap
};
using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

/// A checked value. A choice is held as its index; absent is std::monostate.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, Duration, Bytes,
                           HourlyPrice, Amount, Texts, TextMap>;

}  // namespace r1
