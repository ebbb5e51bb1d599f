// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mpi_runtime/reward/task.h"

namespace r1::test {

inline TaskSection section_of(TaskKind kind) {
    TaskSection section;
    section.kind = kind;
    section.digits = kind == TaskKind::kCountdown ? 2 : 3;
    section.min_items = kind == TaskKind::kCountdown ? 3 : 4;
    section.max_items = kind == TaskKind::kCountdown ? 4 : 8;
    return section;
}

/// A prompt as the task itself would give it, for a problem of our choice.
inline Prompt prompt_of(const std::string& problem) {
    return {problem, problem};
}

/// What stands between <answer> and </answer> of a demonstration.
inline std::string answer_of(const std::string& completion) {
    const std::size_t start = completion.find("<answer>") + 8;
    return completion.substr(start, completion.find("</answer>") - start);
}

}  // namespace r1::test
