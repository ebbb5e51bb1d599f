// SPDX-License-Identifier: Apache-2.0
// Procedural tasks: endless prompts whose answers can be checked by rule.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "recipes/recipe.h"

namespace r1 {

enum class Split { kTrain, kHeldOut };

/// One problem of a task. `text` is what the model reads; `problem` is its canonical form, from
/// which alone the split, the worked solution and the verdict follow.
struct Prompt {
    std::string text;
    std::string problem;
};

/// What the verifier says. An error is the verifier's, never the model's: it is counted and shown,
/// and its sample takes part in no update.
enum class Verdict { kCorrect, kWrong, kError };

class Task {
  public:
    virtual ~Task() = default;
    /// Prompt number `index` of a split: a pure function of (seed, split, index). The splits are
    /// disjoint: a problem is held out when crc32 of its key is 0 modulo 5, and problems that are
    /// the same but for the order of their parts have one key (addition: "276+589").
    virtual Prompt prompt(Split split, std::uint32_t index) const = 0;
    /// A worked solution in the format, by the task's (perhaps flawed) teacher; `index` keys its
    /// flaws. It ends where the completion ends, without the end-of-text token.
    virtual std::string demonstration(const Prompt& prompt, std::uint32_t index) const = 0;
    /// Judges the answer that stands in <answer>…</answer>, given without the tags. Throws Error on
    /// a prompt that is not of this task.
    virtual Verdict verify(const Prompt& prompt, std::string_view answer) const = 0;
    /// An upper bound in bytes, for planning memory.
    virtual std::int32_t longest_prompt() const = 0;
};

/// Throws Error (kUsage) when the section asks for what the task cannot do, such as a split without
/// problems.
std::unique_ptr<Task> make_task(const TaskSection& section, std::uint64_t seed);

}  // namespace r1
