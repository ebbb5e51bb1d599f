// SPDX-License-Identifier: Apache-2.0
// How the proofs say how much they have proved.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace r1::crash {

/// R1_CRASH=long asks for the long versions.
inline bool is_long() {
    const char* wish = std::getenv("R1_CRASH");
    return wish != nullptr && std::string_view(wish) == "long";
}

template <class Number>
Number short_or_long(Number short_one, Number long_one) {
    return is_long() ? long_one : short_one;
}

/// 12480 as "12,480".
inline std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
}

/// One line for people and for tests/crash/report: "C2: 12,480 states, …".
inline void print_figure(const char* proof, const std::string& figure) {
    std::cout << proof << ": " << figure << std::endl;
}

}  // namespace r1::crash
