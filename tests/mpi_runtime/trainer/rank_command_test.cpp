// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rank_command.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>

#include "mpi_runtime/tokenizer/tokenizer.h"
#include "recipes/trainable.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

TEST(RankCommand, FrozenRecipeThatCannotBeTrainedIsRefusedByName) {
    TemporaryFolder run;
    std::ofstream(run / "recipe.yaml")
        << "name: r\nmodel: {hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, "
           "num_attention_heads: 2}\nrewards:\n  preference: 1\n"
           "stages:\n  - name: rl\n    kind: grpo\n    steps: 1\n";
    const std::string folder = run.path().string();
    const std::array<const char*, 6> argv{"r1ctl-rank",   "train",     "--run",
                                          folder.c_str(), "--attempt", "1"};
    // Before MPI is started: this ends the process.
    EXPECT_EXIT(run_rank(static_cast<int>(argv.size()), argv.data()), testing::ExitedWithCode(2),
                "recipe.yaml:4:15: rewards.preference: a preference model's reward cannot be "
                "trained yet");
}

TEST(RankCommand, VocabularyThatRecipesKnowIsTheTokenizers) {
    EXPECT_EQ(make_byte_tokenizer()->vocabulary_size(), kTaskVocabulary);
}

}  // namespace
}  // namespace r1
