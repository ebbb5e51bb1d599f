// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

namespace r1 {

/// The text of what `call` throws; "nothing was thrown" when it returns.
template <class Call>
std::string message_of(Call&& call) {
    try {
        call();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "nothing was thrown";
}

}  // namespace r1
