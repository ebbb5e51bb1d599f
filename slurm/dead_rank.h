// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace r1 {

/// A rank that died without a word, as its launcher tells it.
struct DeadRank {
    std::string rank;
    std::string node;  ///< a list, "node[1-2]", when several died alike
    std::string how;   ///< srun's word, "Killed", or "signal 9 (Killed)"
};

/// The first one that srun or mpirun name in their log: those after it were ended because of it.
std::optional<DeadRank> first_dead_rank(const std::string& log);

/// "signal 9 (Killed)".
std::string signal_text(int number);

}  // namespace r1
