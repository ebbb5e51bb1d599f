// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/commands/plan.h"
#include "cli/job_forecast.h"
#include "common/error.h"
#include "common/json.h"
#include "recipes/load.h"
#include "tests/cli/recipe_text.h"
#include "tests/common/temporary_folder.h"

namespace r1::cli {
namespace {

constexpr const char* kClusters = R"(clusters:
  - name: alps
    currency: USD
    mpi: pmix
    partitions:
      - name: gpu
        gpu_type: h800
        gpus_per_node: 8
        cores_per_node: 128
        nodes: 4
        time_limit: 1d
        price_per_gpu_hour: 2.00
)";

class Plan : public ::testing::Test {
  protected:
    Plan() {
        std::ofstream(folder_ / "recipe.yaml") << kRecipe;
        std::ofstream(folder_ / "clusters.yaml") << kClusters;
        std::ofstream(folder_ / "none.yaml") << "clusters: []\n";
        ::unsetenv("R1CTL_CLUSTERS");
        ::setenv("XDG_CONFIG_HOME", folder_.path().c_str(), 1);
        options_.recipe = folder_ / "recipe.yaml";
        options_.runs = folder_ / "runs";
    }
    ~Plan() override { ::unsetenv("R1CTL_CLUSTERS"); }

    int plan() {
        Context context{out_, err_};
        return run_plan(options_, context);
    }
    Json planned() {
        options_.json = true;
        plan();
        return Json::parse(out_.str());
    }
    bool says(const std::string& text) const { return out_.str().find(text) != std::string::npos; }
    void use_cluster() {
        ::setenv("R1CTL_CLUSTERS", (folder_ / "clusters.yaml").c_str(), 1);
        options_.cluster = "alps";
    }
    /// As large as a model of 70B parameters.
    void enlarge() {
        for (const char* text :
             {"model.hidden_size=8192", "model.num_hidden_layers=80", "model.vocab_size=128256",
              "model.intermediate_size=28672", "model.num_attention_heads=64"})
            options_.overrides.push_back(text);
    }

    TemporaryFolder folder_;
    PlanOptions options_;
    std::ostringstream out_, err_;
};

TEST_F(Plan, PrintsMemoryTimeCostAndAssumptions) {
    options_.hardware = "cpu";
    EXPECT_EQ(plan(), 0);
    EXPECT_TRUE(says("layout: 2 ranks on 1 node, each with 1 core")) << out_.str();
    for (const char* text :
         {"weights", "gradients", "optimizer", "KV cache", "activations", "rollout", "update",
          "bound by", "core-hours", "assumed:", "no upper bound: resources.time_limit is not set"})
        EXPECT_TRUE(says(text)) << text << '\n' << out_.str();
}

TEST_F(Plan, UnpricedIsNotFree) {
    options_.hardware = "h800";
    plan();
    EXPECT_TRUE(says("GPU-hours, unpriced (assumed)")) << out_.str();
}

TEST_F(Plan, TakesTheClustersGpusAndPrices) {
    use_cluster();
    options_.nodes = 2;
    options_.overrides = {"resources.ranks=8", "cost.price_per_core_hour=0"};
    const Json json = planned();
    const Json& job = json.at("jobs").at(0);
    EXPECT_EQ(job.at("partition"), "gpu");
    EXPECT_EQ(job.at("gpus"), 16);
    EXPECT_EQ(job.at("hardware"), "h800");
    EXPECT_EQ(json.at("schema"), 1);
    EXPECT_EQ(job.at("attempts"), 1);
}

TEST_F(Plan, WhatDoesNotFitIsRefusedWithTheNearestLayout) {
    options_.hardware = "h800";
    enlarge();
    EXPECT_EQ(plan(), 2);
    EXPECT_TRUE(says("does not fit: stage sft needs")) << out_.str();
    EXPECT_TRUE(
        says("next: --set parallel.zero=2 --set resources.ranks=32 --set parallel.tensor=8"))
        << out_.str();
}

TEST_F(Plan, AShortTimeLimitTakesMoreAttempts) {
    options_.hardware = "h800";
    options_.overrides = {"resources.time_limit=10m", "stages.sft.steps=100000",
                          "cost.price_per_gpu_hour=2"};
    EXPECT_EQ(plan(), 0);
    EXPECT_TRUE(says("attempts by the time limit")) << out_.str();
    EXPECT_TRUE(says("at most 10m00s an attempt = 0.33 GPU-hours, 0.68 USD")) << out_.str();
}

TEST_F(Plan, ATimeLimitThatLeavesNoTimeForAStepIsSaid) {
    use_cluster();
    options_.overrides = {"resources.time_limit=1m"};
    plan();
    EXPECT_TRUE(
        says("note: the start alone takes 2m00s, which leaves no time for a step within "
             "1m00s; a longer resources.time_limit does\n"))
        << out_.str();
    EXPECT_FALSE(says("attempts by the time limit")) << out_.str();
}

TEST_F(Plan, AnUnknownGpuIsRefusedWithThoseThatAreKnown) {
    options_.hardware = "tpu";
    try {
        plan();
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_TRUE(std::string(error.what())
                        .starts_with("nothing is known of a GPU of type 'tpu'; name one with "
                                     "--hardware: a100, a100_80gb, "))
            << error.what();
    }
}

TEST_F(Plan, SubmitSaysTheSumAndGoesOnWhereNothingIsKnown) {
    const Recipe recipe = load_recipe(options_.recipe);
    std::vector<JobPlan> plans = local_plans(recipe, false);
    print_forecast(recipe, plans, out_);
    EXPECT_TRUE(out_.str().starts_with("expected: ")) << out_.str();
    EXPECT_TRUE(says(" core-hours, 0.00 USD (assumed)")) << out_.str();
    out_.str("");
    plans = local_plans(recipe, true);
    print_forecast(recipe, plans, out_);
    EXPECT_TRUE(out_.str().starts_with("expected: not known: the type of GPU is not known; "))
        << out_.str();
}

TEST_F(Plan, ACpusCalibrationSaysNothingOfGpus) {
    const Recipe recipe = load_recipe(options_.recipe);
    ForecastWishes wishes;
    wishes.hardware = "h800";
    wishes.calibration.emplace();
    EXPECT_THROW(forecast_jobs(recipe, local_plans(recipe, true), wishes), Error);
    EXPECT_NO_THROW(forecast_jobs(recipe, local_plans(recipe, false), wishes));
}

}  // namespace
}  // namespace r1::cli
