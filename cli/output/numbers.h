// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace r1::cli {

/// "0.412"
std::string fixed(double value, int decimals);
/// "950", "12.3k", "4.56M"
std::string short_count(double value);
/// "1 rank", "3 ranks"
std::string counted(std::int64_t count, const std::string& noun);

}  // namespace r1::cli
