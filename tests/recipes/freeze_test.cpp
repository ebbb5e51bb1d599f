// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "recipes/schema.h"
#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

using FrozenRecipe = RecipeTest;
using ShippedRecipes = RecipeTest;

/// All but what other recipes refine and what lists them.
std::vector<std::filesystem::path> shipped_recipes() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(R1_RECIPES_FOLDER)) {
        const std::string name = entry.path().stem().string();
        if (entry.path().extension() == ".yaml" && !name.starts_with("base-") && name != "pipeline")
            files.push_back(entry.path());
    }
    return files;
}

/// The name of a recipe by that of its file: "qwen-1.5b.yaml" holds "qwen-1-5b".
std::string name_of(const std::filesystem::path& file) {
    std::string name = file.stem().string();
    std::replace(name.begin(), name.end(), '.', '-');
    return name;
}

TEST_F(FrozenRecipe, LoadsAsAnEqualRecipe) {
    const Recipe recipe = load(
        kGood, {"stages.rl.kl_coefficient=0.1", "stages.rl.clip_low=0.30000000000000004",
                "cost.price_per_core_hour=0.0135", "resources.time_limit=1d12h", "name=\"null\"",
                "seed=9223372036854775807", "stages.sft.data=\"a \\\"b\\\\ c: #d\""});
    const std::string frozen = freeze_recipe(recipe);
    EXPECT_EQ(load(frozen), recipe) << frozen;
    EXPECT_EQ(freeze_recipe(load(frozen)), frozen);
}

TEST_F(FrozenRecipe, WritesEveryDefaultOut) {
    const std::string frozen = freeze_recipe(load(kGood));
    for (const std::string_view line :
         {"name: r\nseed: 1\ndeterministic: same-ranks\nresources:\n  ranks: 1\n",
          "  num_key_value_heads: 2\n", "  rms_norm_eps: 1e-6\n", "  kv_cache: 1GiB\n",
          "  time_limit: 0s\n", "stages:\n  - name: sft\n    kind: sft\n    from: \"\"\n",
          "    rollout_size: 256\n", "      learning_rate: 3e-4\n"})
        EXPECT_NE(frozen.find(line), std::string::npos) << line;
    EXPECT_EQ(frozen.find("price_per"), std::string::npos);
}

TEST_F(ShippedRecipes, EachLoadsAndSurvivesFreezing) {
    const auto files = shipped_recipes();
    EXPECT_GE(files.size(), 18u);
    for (const auto& file : files) {
        ASSERT_EQ(report_of_file(file), "") << file;
        const Recipe recipe = load_recipe(file);
        EXPECT_EQ(recipe.name, name_of(file));
        EXPECT_EQ(load(freeze_recipe(recipe)), recipe) << file;
    }
}

TEST_F(ShippedRecipes, TwoHundredLinesLoadInTwentyMilliseconds) {
    std::string text(kGood);
    for (int i = 0; i < 38; ++i)
        text += "  - name: s" + std::to_string(i) +
                "\n    kind: sft\n    steps: 1\n    optimizer:\n      beta1: 0.8\n";
    auto fastest = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 5; ++i) {
        const auto start = std::chrono::steady_clock::now();
        EXPECT_EQ(report(text), "");
        fastest = std::min(fastest, std::chrono::steady_clock::now() - start);
    }
    EXPECT_LT(fastest, std::chrono::milliseconds(20));
}

TEST(RecipeReference, MentionsEveryKeyWithItsHelp) {
    const std::string page = recipe_reference();
    const auto expect_rows = [&](const Table& table) {
        for (const Row& row : table.rows) {
            EXPECT_NE(page.find("| `" + std::string(row.key) + "` |"), std::string::npos)
                << row.key;
            EXPECT_NE(page.find(row.help), std::string::npos) << row.help;
        }
    };
    for (const Table* table : {&recipe_table(), &stage_table(), &stage_resources_table()}) {
        expect_rows(*table);
        for (const Section& section : table->sections) {
            expect_rows(*section.table);
            EXPECT_NE(page.find(section.help), std::string::npos) << section.key;
        }
    }
    EXPECT_NE(
        page.find("| `ranks` | a whole number | processes | `1` | from 1 to 65536 | How many"),
        std::string::npos);
}

}  // namespace r1::testing
