// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace r1::cli {

/// "0.412"
std::string fixed(double value, int decimals);
/// "950", "12.3k", "4.56M"
std::string short_count(double value);
/// "0.5 KiB", "12.0 MiB", "1.50 GiB"
std::string size_text(std::uint64_t bytes);
/// "1 rank", "3 ranks"
std::string counted(std::int64_t count, const std::string& noun);

}  // namespace r1::cli
