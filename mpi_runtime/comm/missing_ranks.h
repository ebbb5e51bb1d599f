// SPDX-License-Identifier: Apache-2.0
// Private to comm: who is waited for, from the answers to a roll call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace r1 {

/// Where a rank is, and for how long it has waited there: its answer to a roll call.
struct Collective {
    std::int64_t number = 0;  ///< counts the group's from 1
    double waited_seconds = 0;
};
std::string to_answer(const Collective& place);

/// What a roll call found, as the text of an error.
struct Missing {
    std::string text;
    bool all_came = false;  ///< no rank is missing: the GPUs hang, or another group holds them up
};

/// Who holds the others up; nullopt where all go on or may still do so.
/// Held up by a rank that gives no answer, or that has waited for the limit in an earlier
/// collective than the furthest; by the GPUs where all have waited for the limit in the same:
///
///     rank 1 on node3 did not come to collective 17 (begin_reduce) within 30s; rank 0 on node2
///     waits there
///
/// `answers` and `names` ("rank 1 on node3") are by rank of the group; `own` is where this rank is,
/// in a collective called `what`.
std::optional<Missing> find_missing(std::span<const std::optional<std::string>> answers,
                                    std::span<const std::string> names, const Collective& own,
                                    const char* what, double limit_seconds);

}  // namespace r1
