// SPDX-License-Identifier: Apache-2.0
// Keys and values that the schema refuses.
#include "tests/recipes/recipe_fixture.h"

namespace r1::testing {

using RecipeValue = RecipeTest;

TEST_F(RecipeValue, UnknownKeySuggestsTheNearest) {
    EXPECT_EQ(report(broken("name: r\n", "name: r\nsede: 1\n")),
              "r.yaml:2:1: unknown key 'sede'; did you mean 'seed'?\n  sede: 1\n  ^");
    EXPECT_EQ(report(broken("name: r\n", "name: r\nSEED: 1\n")),
              "r.yaml:2:1: unknown key 'SEED'; did you mean 'seed'?\n  SEED: 1\n  ^");
}

TEST_F(RecipeValue, KeyInTheWrongSectionNamesItsOwn) {
    EXPECT_EQ(report(broken("name: r\n", "name: r\nranks: 2\n")),
              "r.yaml:2:1: unknown key 'ranks' here; it belongs to 'resources'\n  ranks: 2\n  ^");
}

TEST_F(RecipeValue, SeveralErrorsComeInTheOrderOfLines) {
    EXPECT_EQ(report("name: R\nsede: 1\nmodel:\n  hidden_size: x\n  intermediate_size: 0\n"
                     "  num_hidden_layers: 1\nname: s\n"),
              "r.yaml:1:1: missing: the recipe has no 'stages'\n  name: R\n  ^\n"
              "r.yaml:1:7: name 'R' is not a name; use small letters, digits and '-', at most 40, "
              "starting with a letter or a digit\n  name: R\n        ^\n"
              "r.yaml:2:1: unknown key 'sede'; did you mean 'seed'?\n  sede: 1\n  ^\n"
              "r.yaml:3:1: missing: 'model' has no 'num_attention_heads'\n  model:\n  ^\n"
              "r.yaml:4:16: hidden_size needs a whole number, not 'x'\n"
              "    hidden_size: x\n                 ^\n"
              "r.yaml:5:22: intermediate_size must be from 1 to 262144, not '0'\n"
              "    intermediate_size: 0\n                       ^\n"
              "r.yaml:7:1: duplicate key 'name', already at r.yaml:1:1\n  name: s\n  ^");
}

TEST_F(RecipeValue, AHundredProblemsAreShownAndTheRestCounted) {
    std::string text(kGood);
    for (int i = 0; i < 150; ++i) text += "zzzzzzzzzz" + std::to_string(i) + ": 1\n";
    EXPECT_NE(report(text).find("(and 50 more problems after this)"), std::string::npos);
}

TEST_F(RecipeValue, MissingSectionSaysWhatItNeeds) {
    EXPECT_EQ(report("name: r\nstages:\n  - name: s\n    kind: sft\n    steps: 1\n"),
              "r.yaml:1:1: missing: the recipe has no 'model', which needs hidden_size, "
              "intermediate_size, num_hidden_layers, num_attention_heads\n  name: r\n  ^");
}

TEST_F(RecipeValue, MissingKeyOfAStageNamesTheStage) {
    EXPECT_EQ(report(broken("    kind: sft\n    steps: 10\n", "    kind: sft\n")),
              "r.yaml:8:5: missing: stage 'sft' has no 'steps'\n    - name: sft\n      ^");
}

TEST_F(RecipeValue, WholeNumberRefusesEverythingElse) {
    const auto seed = [](const std::string& value) {
        const std::string text = report(broken("name: r\n", "name: r\nseed: " + value + "\n"));
        return text.substr(0, text.find('\n'));
    };
    const std::string needs = "r.yaml:2:7: seed needs a whole number, not ";
    EXPECT_EQ(seed("0x10"), needs + "'0x10'; write it in decimal");
    EXPECT_EQ(seed("0o7"), needs + "'0o7'; write it in decimal");
    EXPECT_EQ(seed("007"),
              needs + "'007'; a leading 0 means octal to some readers: write it without");
    EXPECT_EQ(seed("+1"), needs + "'+1'; write it without the '+'");
    EXPECT_EQ(seed("1_000"), needs + "'1_000'; write it without '_' and ','");
    EXPECT_EQ(seed("2.0"), needs + "'2.0'; write 2");
    EXPECT_EQ(seed("1e3"), needs + "'1e3'; write 1000");
    EXPECT_EQ(seed("1.5"), needs + "'1.5'");
    EXPECT_EQ(seed("1e400"), needs + "'1e400'");
    EXPECT_EQ(seed("yes"), needs + "'yes'");
    EXPECT_EQ(seed("[1]"), needs + "a list");
    EXPECT_EQ(seed("{a: 1}"), needs + "a map");
    EXPECT_EQ(seed("\"1\""), needs + "a quoted text; remove the quotes");
    EXPECT_EQ(seed("-1"), "r.yaml:2:7: seed must be from 0 to 9223372036854775807, not '-1'");
    EXPECT_EQ(seed("9223372036854775808"),
              "r.yaml:2:7: seed must be from 0 to 9223372036854775807, not '9223372036854775808'");
    EXPECT_EQ(seed("9223372036854775807"), "");
    EXPECT_EQ(seed(""), "r.yaml:2:1: 'seed' has no value; write one or leave the key out");
    EXPECT_EQ(seed("~"), "r.yaml:2:1: 'seed' has no value; write one or leave the key out");
}

TEST_F(RecipeValue, NumberRefusesWhatADoubleCannotHold) {
    const auto theta = [](const std::string& value) {
        const std::string text =
            report(broken("model:\n", "model:\n  rope_theta: " + value + "\n"));
        return text.substr(0, text.find('\n'));
    };
    const std::string needs = "r.yaml:3:15: rope_theta needs a number, not ";
    EXPECT_EQ(theta("1e400"), needs + "'1e400'; that is beyond what a double can hold");
    for (const std::string value : {"nan", ".nan", "inf", "-.inf", "NaN", "1 2", "1e", "1d"})
        EXPECT_EQ(theta(value), needs + "'" + value + "'");
    EXPECT_EQ(theta("0"), "r.yaml:3:15: rope_theta must be more than 0 and at most 1e12, not '0'");
    EXPECT_EQ(theta("1e6"), "");
}

TEST_F(RecipeValue, FlagIsTrueOrFalseOnly) {
    for (const auto& [value, hint] : std::vector<std::pair<std::string, std::string>>{
             {"NO", "; write false"}, {"yes", "; write true"}, {"True", "; write true"}, {"2", ""}})
        EXPECT_EQ(report(broken("model:\n", "model:\n  attention_bias: " + value + "\n")),
                  "r.yaml:3:19: attention_bias needs true or false, not '" + value + "'" + hint +
                      "\n    attention_bias: " + value + "\n                    ^");
}

TEST_F(RecipeValue, UnknownChoiceSuggestsOrLists) {
    EXPECT_EQ(report(broken("kind: grpo", "kind: grop")),
              "r.yaml:12:11: kind cannot be 'grop'; did you mean 'grpo'?\n"
              "      kind: grop\n            ^");
    EXPECT_EQ(report(broken("kind: grpo", "kind: reinforcement")),
              "r.yaml:12:11: kind cannot be 'reinforcement'; it is sft, grpo or sample\n"
              "      kind: reinforcement\n            ^");
}

TEST_F(RecipeValue, BareClockTimeIsRefusedWithItsTwoMeanings) {
    const std::string text = report(broken("model:", "resources:\n  time_limit: 24:00\nmodel:"));
    EXPECT_EQ(text,
              "r.yaml:3:15: time_limit: '24:00' could mean 24h0m or 24m0s; write the one you mean\n"
              "    time_limit: 24:00\n                ^");
}

TEST_F(RecipeValue, DurationsAndSizesHaveUnits) {
    const Recipe recipe =
        load(broken("model:", "resources: {time_limit: 4d}\nrollout: {kv_cache: 64GiB}\nmodel:"));
    EXPECT_EQ(recipe.resources.time_limit.seconds, 4 * 86400);
    EXPECT_EQ(recipe.rollout.kv_cache.count, std::int64_t{64} << 30);
    EXPECT_NE(report(broken("model:", "rollout: {kv_cache: 64}\nmodel:")).find("has no unit"),
              std::string::npos);
    EXPECT_NE(report(broken("model:", "rollout: {kv_cache: 1KiB}\nmodel:"))
                  .find("kv_cache must be at least 1MiB, not '1KiB'"),
              std::string::npos);
}

TEST_F(RecipeValue, PricesAreExactDecimals) {
    const Recipe recipe = load(broken("model:", "cost: {price_per_gpu_hour: 2.013}\nmodel:"));
    EXPECT_EQ(recipe.cost.price_per_gpu_hour, HourlyPrice{2'013'000});
    EXPECT_EQ(recipe.cost.price_per_core_hour, std::nullopt);
    EXPECT_NE(report(broken("model:", "cost: {price_per_gpu_hour: -2}\nmodel:"))
                  .find("price_per_gpu_hour: '-2' is not a price"),
              std::string::npos);
    EXPECT_NE(report(broken("model:", "cost: {currency: dollars}\nmodel:"))
                  .find("currency 'dollars' is not a currency"),
              std::string::npos);
}

TEST_F(RecipeValue, NamesCannotLeaveTheirFolder) {
    for (const std::string name : {"../x", "a/b", "A", "-a", "a b", "x y", "caf\xC3\xA9"})
        EXPECT_NE(report(broken("name: r", "name: " + name)).find("is not a name"),
                  std::string::npos)
            << name;
    EXPECT_NE(report(broken("name: r", "name: " + std::string(41, 'a'))).find("is not a name"),
              std::string::npos);
    EXPECT_EQ(report(broken("name: r", "name: " + std::string(40, 'a'))), "");
    EXPECT_EQ(load(broken("name: r", "name: 123")).name, "123");
}

TEST_F(RecipeValue, SectionThatIsNoMapIsRefused) {
    EXPECT_EQ(report(broken("stages:", "task: 5\nstages:")),
              "r.yaml:7:7: 'task' needs a map of keys, not '5'\n  task: 5\n        ^");
    EXPECT_EQ(report(broken("stages:", "task:\nstages:")),
              "r.yaml:7:1: 'task' needs a map of keys, not nothing\n  task:\n  ^");
}

TEST_F(RecipeValue, StagesThatAreNoListOfMapsAreRefused) {
    const std::string head = std::string(kGood).substr(0, kGood.find("stages:"));
    EXPECT_NE(report(head + "stages: []\n").find("r.yaml:7:9: 'stages' needs a list"),
              std::string::npos);
    EXPECT_NE(report(head + "stages: {a: 1}\n").find("not a map"), std::string::npos);
    EXPECT_NE(report(head + "stages:\n").find("not nothing"), std::string::npos);
    EXPECT_EQ(report(std::string(kGood) + "  - rl2\n  -\n"),
              "r.yaml:15:5: a stage needs a map of keys, not 'rl2'\n    - rl2\n      ^\n"
              "r.yaml:16:3: a stage needs a map of keys, not nothing\n    -\n    ^");
}

TEST_F(RecipeValue, KeyOfAnotherKindNamesTheKindsThatUseIt) {
    EXPECT_EQ(report(broken("    kind: sft\n", "    kind: sft\n    group_size: 4\n")),
              "r.yaml:10:5: a stage of kind sft does not use 'group_size'; it is for grpo and "
              "sample\n      group_size: 4\n      ^");
    EXPECT_EQ(report(broken("    kind: sft\n", "    kind: sft\n    sampling: {top_k: 1}\n")),
              "r.yaml:10:5: a stage of kind sft does not use 'sampling'; it is for grpo and "
              "sample\n      sampling: {top_k: 1}\n      ^");
}

TEST_F(RecipeValue, DefaultsAreFilledIn) {
    const Recipe recipe = load(kGood);
    EXPECT_EQ(recipe.seed, 1u);
    EXPECT_EQ(recipe.model.max_position_embeddings, 256);
    EXPECT_EQ(recipe.model.num_key_value_heads, 2);
    EXPECT_EQ(recipe.model.head_dim, 4);
    EXPECT_EQ(recipe.stages[1].rollout_size, 32 * 8);
    EXPECT_EQ(recipe.stages[1].clip_high, 0.2);
    EXPECT_EQ(recipe.stages[1].advantage, AdvantageKind::kTrl);
    EXPECT_EQ(recipe.stages[0].data, "demonstrations");
    EXPECT_EQ(recipe.stages[0].optimizer.beta2, 0.95);
    EXPECT_EQ(recipe.checkpoint.every_steps, 50);
}

}  // namespace r1::testing
