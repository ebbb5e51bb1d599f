// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace r1 {

/// One step of a derivation: two of the numbers left become one. The operands are positions in the
/// list of the numbers that are left, which then loses both and gets the result at its end.
struct CountdownStep {
    std::size_t left = 0;
    std::size_t right = 0;
    char operation = '+';
};

/// left operation right, or nullopt where the result is not a whole number from 1 to `largest`.
std::optional<std::int64_t> apply(std::int64_t left, char operation, std::int64_t right,
                                  std::int64_t largest);

/// Replaces the two operands by the result at the end of the list.
template <class T>
void replace_operands(std::vector<T>& list, const CountdownStep& step, T result) {
    const auto [low, high] = std::minmax(step.left, step.right);
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(high));
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(low));
    list.push_back(std::move(result));
}

/// The first derivation of the target from all the numbers, in a fixed order of search; nullopt
/// when there is none whose results are all whole numbers from 1 to `largest`.
std::optional<std::vector<CountdownStep>> find_derivation(const std::vector<std::int64_t>& numbers,
                                                          std::int64_t target,
                                                          std::int64_t largest);

}  // namespace r1
