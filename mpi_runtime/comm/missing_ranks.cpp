// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/missing_ranks.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "common/units.h"

namespace r1 {

namespace {

Collective from_answer(const std::string& text) {
    char* rest = nullptr;
    const std::int64_t number = std::strtoll(text.c_str(), &rest, 10);
    return {number, std::strtod(rest, nullptr)};
}

std::string join(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

std::string to_answer(const Collective& place) {
    return std::to_string(place.number) + " " + std::to_string(place.waited_seconds);
}

std::optional<Missing> find_missing(std::span<const std::optional<std::string>> answers,
                                    std::span<const std::string> names, const Collective& own,
                                    const char* what, double limit_seconds) {
    std::int64_t furthest = own.number;
    for (const auto& answer : answers)
        if (answer) furthest = std::max(furthest, from_answer(*answer).number);
    std::vector<std::string> absent, behind, waiting;
    bool somebody_goes_on = false;
    for (std::size_t rank = 0; rank < answers.size(); ++rank) {
        if (!answers[rank]) {
            absent.push_back(names[rank]);
            continue;
        }
        const Collective place = from_answer(*answers[rank]);
        const bool silent = place.waited_seconds >= limit_seconds;
        somebody_goes_on = somebody_goes_on || !silent;
        if (place.number == furthest)
            waiting.push_back(names[rank]);
        else if (silent)
            behind.push_back(names[rank]);
    }
    // Others may be behind because of one that is gone.
    if (!absent.empty()) behind = absent;
    if (behind.empty() && somebody_goes_on) return std::nullopt;
    const std::string within =
        " within " + to_string(Duration{static_cast<std::int64_t>(std::ceil(limit_seconds))});
    const std::string collective = "collective " + std::to_string(furthest) +
                                   (furthest == own.number ? " (" + std::string(what) + ")" : "");
    if (behind.empty())
        return Missing{"all ranks came to " + collective + ", which did not end" + within +
                           ": a GPU or the network between them hangs; NCCL_DEBUG=INFO says more",
                       true};
    return Missing{join(behind) + " did not come to " + collective + within + "; " + join(waiting) +
                       (waiting.size() == 1 ? " waits" : " wait") + " there",
                   false};
}

}  // namespace r1
