// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/reward/letters_task.h"

namespace r1 {

namespace {

class ReverseTask final : public LettersTask {
  public:
    ReverseTask(const TaskSection& section, std::uint64_t seed)
        : LettersTask(section, seed, "reverse") {
        check_splits();
    }

  protected:
    std::size_t next(std::string_view letters) const override { return letters.size() - 1; }
};

}  // namespace

std::unique_ptr<Task> make_reverse_task(const TaskSection& section, std::uint64_t seed) {
    return std::make_unique<ReverseTask>(section, seed);
}

}  // namespace r1
