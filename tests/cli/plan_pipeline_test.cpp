// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/plan_pipeline.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/output/grouped.h"
#include "cli/run.h"
#include "common/error.h"
#include "common/json.h"
#include "tests/common/temporary_folder.h"

namespace r1::cli {
namespace {

std::filesystem::path deepseek_r1() {
    return std::filesystem::path(R1_RECIPES_FOLDER) / "deepseek-r1" / "pipeline.yaml";
}

class PlanPipeline : public testing::Test {
  protected:
    std::string text(const std::filesystem::path& file) {
        EXPECT_EQ(plan_pipeline(file, false, context_), 0);
        return out_.str();
    }
    Json json(const std::filesystem::path& file) {
        EXPECT_EQ(plan_pipeline(file, true, context_), 0);
        return Json::parse(out_.str());
    }
    std::ostringstream out_;
    std::ostringstream err_;
    Context context_{out_, err_};
};

TEST(Grouped, ThousandsStandApart) {
    EXPECT_EQ(grouped("0"), "0");
    EXPECT_EQ(grouped("999.99"), "999.99");
    EXPECT_EQ(grouped("1000"), "1,000");
    EXPECT_EQ(grouped("294672.00"), "294,672.00");
    EXPECT_EQ(grouped("-1234567.89"), "-1,234,567.89");
    EXPECT_EQ(grouped("-123"), "-123");
}

TEST_F(PlanPipeline, PrintsTheExactTableBesideThePublishedOne) {
    const std::string printed = text(deepseek_r1());
    const std::string table =
        "deepseek-r1: what is published, at 2.00 USD a GPU-hour\n"
        "\n"
        "row                GPUs  hours  GPU-hours        cost  printed  printed cost  recipes\n"
        "R1-Zero             512    198    101,376  202,752.00     101K          202K  r1-zero\n"
        "SFT data creation     -      -      5,000   10,000.00       5K           10K  "
        "rejection-sampling\n"
        "R1                  512     80     40,960   81,920.00      41K           82K  "
        "cold-start-sft, rl-1, sft, rl-2\n"
        "total                             147,336  294,672.00     147K          294K\n"
        "\n"
        "exactly: 147,336 GPU-hours x 2.00 = 294,672.00 USD\n"
        "as printed: the rows are rounded first and add up to 147K GPU-hours, which are "
        "294,000.00 USD\n"
        "note: DeepSeek-V3-Base is not in the table";
    EXPECT_EQ(printed.substr(0, table.size()), table);
}

TEST_F(PlanPipeline, SaysHowFarThePredictionIsOffAndWhereItComesFrom) {
    const std::string printed = text(deepseek_r1());
    for (const char* part :
         {"from the performance model alone", " hours predicted, 198 published: ",
          " GPU-hours predicted, 5,000 published: ", " hours predicted, 80 published: ",
          "where R1-Zero's time comes from", "r1-zero  rollout ", "r1-zero  update ",
          "outputs twice as long", "decoding at half the efficiency", "\nassumed: "})
        EXPECT_NE(printed.find(part), std::string::npos) << part;
    EXPECT_EQ(printed.find("does not fit"), std::string::npos);
}

TEST_F(PlanPipeline, JsonHoldsWholeHoursAndDecimalAmounts) {
    const Json plan = json(deepseek_r1());
    EXPECT_EQ(plan.at("schema"), 1);
    EXPECT_EQ(plan.at("total").at("gpu_hours"), 147336);
    EXPECT_EQ(plan.at("total").at("cost"), "294672.00");
    EXPECT_EQ(plan.at("total").at("printed_cost"), "294000.00");
    const Json& zero = plan.at("rows").at(0);
    EXPECT_EQ(zero.at("gpu_hours"), 101376);
    EXPECT_EQ(zero.at("cost"), "202752.00");
    const double hours = zero.at("predicted").at("hours");
    EXPECT_NEAR(std::stod(zero.at("predicted").at("cost").get<std::string>()), hours * 512 * 2,
                0.01);
    EXPECT_NEAR(zero.at("predicted").at("error_percent"), (hours / 198 - 1) * 100, 1e-9);
    EXPECT_TRUE(plan.at("rows").at(3).at("predicted").at("error_percent").is_null());
    EXPECT_EQ(plan.at("rows").at(3).at("predicted").at("recipes").size(), 6u);
}

TEST_F(PlanPipeline, PhasesAddUpToTheStep) {
    const Json zero = json(deepseek_r1()).at("rows").at(0).at("predicted");
    const Json& stage = zero.at("recipes").at(0).at("stages").at(0);
    double step_seconds = 0;
    for (const Json& phase : stage.at("phases"))
        step_seconds += phase.at("step_seconds").get<double>();
    EXPECT_NEAR(step_seconds, stage.at("step_seconds"), 1e-6);
    EXPECT_GE(zero.at("hours").get<double>() * 3600, step_seconds * 10400);
}

TEST_F(PlanPipeline, IsWhatPlanDoesWithSuchAFile) {
    const std::string file = deepseek_r1().string();
    const char* argv[] = {"r1ctl", "plan", file.c_str(), "--set", "seed=2"};
    EXPECT_EQ(run(3, argv, out_, err_), 0);
    EXPECT_EQ(out_.str().substr(0, 30), "deepseek-r1: what is published");
    EXPECT_EQ(run(5, argv, out_, err_), 2);
    EXPECT_EQ(err_.str(), "r1ctl: " + file +
                              " is a pipeline, which takes no option but --json; plan one of its "
                              "recipes to change what is assumed\n");
}

TEST_F(PlanPipeline, UnknownGpuIsNamed) {
    TemporaryFolder folder;
    std::ofstream(folder / "a.yaml")
        << "name: a\nmodel: {hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, "
           "num_attention_heads: 2}\nstages:\n  - name: s\n    kind: sft\n    steps: 1\n";
    std::ofstream(folder / "p.yaml") << "pipeline: p\nprice_per_gpu_hour: 1\ngpu_type: x999\n"
                                        "rows:\n  - name: r\n    recipes: [a.yaml]\n";
    try {
        plan_pipeline(folder / "p.yaml", false, context_);
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        EXPECT_NE(std::string(error.what()).find("nothing is known of the GPU 'x999'"),
                  std::string::npos);
    }
}

}  // namespace
}  // namespace r1::cli
