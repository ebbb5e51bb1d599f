// SPDX-License-Identifier: Apache-2.0
#include "cli/output/grouped.h"

#include <algorithm>

namespace r1::cli {

std::string grouped(std::string decimal) {
    const std::size_t first = decimal.starts_with('-') ? 1 : 0;
    for (std::size_t at = std::min(decimal.find('.'), decimal.size()); at > first + 3;) {
        at -= 3;
        decimal.insert(at, ",");
    }
    return decimal;
}

}  // namespace r1::cli
