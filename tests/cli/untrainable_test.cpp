// SPDX-License-Identifier: Apache-2.0
// What the trainer cannot run is refused before anything is started, and still checked and planned.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/run.h"
#include "tests/cli/recipe_text.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

class UntrainableRecipe : public testing::Test {
  protected:
    UntrainableRecipe() {
        ::setenv("R1CTL_RUNS", runs().c_str(), 1);
        std::string text = std::string("parallel:\n  pipeline: 2\n") + kRecipe;
        const auto replace = [&text](const std::string& old, const std::string& now) {
            text.replace(text.find(old), old.size(), now);
        };
        replace("num_hidden_layers: 1", "num_hidden_layers: 2");
        replace("  accuracy: 1\n", "  accuracy: 1\n  language: 1\n");
        std::ofstream(recipe()) << text;
    }
    int run(const std::vector<std::string>& arguments) {
        std::vector<const char*> argv = {"r1ctl"};
        for (const std::string& argument : arguments) argv.push_back(argument.c_str());
        return cli::run(static_cast<int>(argv.size()), argv.data(), out_, err_);
    }
    std::filesystem::path runs() const { return folder_.path() / "runs"; }
    std::string recipe() const { return (folder_.path() / "tiny.yaml").string(); }
    std::string refusal() const {
        return recipe() +
               ":17:13: rewards.language: a reward for the language of an output cannot be "
               "trained yet; `r1ctl plan` can plan it\n    language: 1\n              ^\n" +
               recipe() +
               ":2:13: parallel.pipeline: pipeline parallelism cannot be trained yet; `r1ctl plan` "
               "can plan it\n    pipeline: 2\n              ^\n";
    }

    TemporaryFolder folder_;
    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(UntrainableRecipe, RunRefusesItAndMakesNoRun) {
    EXPECT_EQ(run({"run", recipe()}), 2);
    EXPECT_EQ(out_.str(), "");
    EXPECT_EQ(err_.str(), refusal());
    EXPECT_FALSE(std::filesystem::exists(runs()));
}

TEST_F(UntrainableRecipe, SubmitRefusesItWithoutAskingForACluster) {
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{}, std::vector<std::string>{"--dry-run"}}) {
        err_.str("");
        std::vector<std::string> arguments{"submit", recipe()};
        arguments.insert(arguments.end(), options.begin(), options.end());
        EXPECT_EQ(run(arguments), 2);
        EXPECT_NE(err_.str().find("parallel.pipeline: pipeline parallelism"), std::string::npos)
            << err_.str();
    }
    EXPECT_EQ(out_.str(), "");
    EXPECT_FALSE(std::filesystem::exists(runs()));
}

TEST_F(UntrainableRecipe, CheckNotesIt) {
    EXPECT_EQ(run({"check", recipe()}), 0);
    EXPECT_EQ(err_.str(), "");
    EXPECT_EQ(out_.str(), recipe() +
                              ": ok (2 stages, 7 steps, 2 ranks x 1 thread)\nnote: " + recipe() +
                              ":17:13: rewards.language: a reward for the language of an output "
                              "cannot be trained yet; `r1ctl plan` can plan it\nnote: " +
                              recipe() +
                              ":2:13: parallel.pipeline: pipeline parallelism cannot be trained "
                              "yet; `r1ctl plan` can plan it\n");
}

}  // namespace
}  // namespace r1
