// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace r1::cli {

/// "294,672.00" of "294672.00": a decimal number with its thousands apart.
std::string grouped(std::string decimal);

}  // namespace r1::cli
