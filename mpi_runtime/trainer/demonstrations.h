// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mpi_runtime/trainer/session.h"

namespace r1 {

/// A prompt and the completion to imitate, its end-of-text token included.
struct Demonstration {
    std::vector<std::int32_t> prompt;
    std::vector<std::int32_t> completion;
    std::int64_t rows() const {
        return static_cast<std::int64_t>(prompt.size() + completion.size()) - 1;
    }
};

/// An endless source of demonstrations; number i is a pure function of the recipe.
class Demonstrations {
  public:
    virtual ~Demonstrations() = default;
    virtual Demonstration at(std::int64_t i) const = 0;
};

/// By the stage's `data`: the task's teacher, a JSONL file with "prompt" and "completion" on every
/// line, or what an earlier sample stage wrote. A file is read whole, and its order is shuffled
/// anew for every pass over it. Throws Error (kUsage) naming the file and the line that is wrong.
std::unique_ptr<Demonstrations> make_demonstrations(const Session& session, std::size_t stage);

}  // namespace r1
