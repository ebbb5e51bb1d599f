// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "mpi_runtime/reward/letters_task.h"

namespace r1 {

namespace {

class SortTask final : public LettersTask {
  public:
    SortTask(const TaskSection& section, std::uint64_t seed) : LettersTask(section, seed, "sort") {
        check_splits();
    }

  protected:
    std::size_t next(std::string_view letters) const override {
        const auto* smallest = std::min_element(letters.begin(), letters.end());
        return static_cast<std::size_t>(smallest - letters.begin());
    }

    /// The sorted letters, so that no answer of the held-out split is one of the training split.
    std::string split_key(const std::string& problem) const override {
        std::string letters{letters_of(problem)};
        std::sort(letters.begin(), letters.end());
        return letters;
    }
};

}  // namespace

std::unique_ptr<Task> make_sort_task(const TaskSection& section, std::uint64_t seed) {
    return std::make_unique<SortTask>(section, seed);
}

}  // namespace r1
