// SPDX-License-Identifier: Apache-2.0
#include "slurm/dead_rank.h"

#include <string.h>

#include <regex>

#include "common/text.h"

namespace r1 {

std::optional<DeadRank> first_dead_rank(const std::string& log) {
    // "srun: error: node2: task 3: Killed"
    static const std::regex kSrun(R"(srun: error: ([^ :]+): tasks? ([0-9]+)[^:\n]*: ([^\n]*))");
    static const std::regex kMpirun(
        R"(process rank ([0-9]+) with PID [0-9]+ on node ([^ ]+) exited on signal ([0-9]+))");
    std::smatch match;
    if (std::regex_search(log, match, kSrun))
        return DeadRank{match[2], printable(match[1].str()), printable(match[3].str())};
    if (std::regex_search(log, match, kMpirun))
        return DeadRank{match[1], printable(match[2].str()),
                        signal_text(std::stoi(match[3].str().substr(0, 3)))};
    return std::nullopt;
}

std::string signal_text(int number) {
    const char* name = ::sigdescr_np(number);
    return "signal " + std::to_string(number) +
           (name != nullptr ? std::string(" (") + name + ")" : "");
}

}  // namespace r1
