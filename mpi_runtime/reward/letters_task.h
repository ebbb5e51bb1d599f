// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mpi_runtime/reward/procedural_task.h"

namespace r1 {

/// A task that takes one letter after the other out of a word, and whose answer is the letters in
/// the order taken:  sort:dbca=  <think>dbca:a;dbc:b;dc:c;d:d</think><answer>abcd</answer>
class LettersTask : public ProceduralTask {
  public:
    Verdict verify(const Prompt& prompt, std::string_view answer) const final;

  protected:
    LettersTask(const TaskSection& section, std::uint64_t seed, std::string_view name);

    /// The position of the letter to take next. `letters` is not empty.
    virtual std::size_t next(std::string_view letters) const = 0;

    std::string draw(RandomStream& random) const final;
    std::string work(const std::string& problem, RandomStream& random) const final;
    std::int64_t longest_problem() const final;
    std::string_view letters_of(std::string_view problem) const;

  private:
    std::string start_;  ///< "sort:"
};

}  // namespace r1
