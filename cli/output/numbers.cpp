// SPDX-License-Identifier: Apache-2.0
#include "cli/output/numbers.h"

#include <array>
#include <cstdio>

namespace r1::cli {

std::string fixed(double value, int decimals) {
    std::array<char, 512> text{};  // the largest double has 309 digits before the point
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

std::string short_count(double value) {
    if (value < 1e3) return fixed(value, 0);
    if (value < 1e6) return fixed(value / 1e3, 1) + "k";
    if (value < 1e9) return fixed(value / 1e6, 2) + "M";
    return fixed(value / 1e9, 2) + "G";
}

std::string size_text(std::uint64_t bytes) {
    const auto count = static_cast<double>(bytes);
    if (count < 1048576) return fixed(count / 1024, 1) + " KiB";
    if (count < 1073741824) return fixed(count / 1048576, 1) + " MiB";
    return fixed(count / 1073741824, 2) + " GiB";
}

std::string counted(std::int64_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace r1::cli
