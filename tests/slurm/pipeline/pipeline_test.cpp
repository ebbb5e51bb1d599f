// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "recipes/load.h"
#include "slurm/pipeline/pipeline_bill.h"
#include "slurm/pipeline/pipeline_file.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

constexpr const char* kTwoRows = R"(pipeline: two
price_per_gpu_hour: 1.5
gpu_type: h800
rows:
  - name: a
    recipes: [a.yaml, sub/b.yaml]
    gpus: 8
    published_hours: 3
    published_gpu_hours: 0
  - name: b
    recipes: [b.yaml]
    published_gpu_hours: 7
)";

class PipelineFile : public testing::Test {
  protected:
    std::filesystem::path write(const std::string& text) {
        const std::filesystem::path file = folder_ / "p.yaml";
        std::ofstream(file) << text;
        return file;
    }
    std::string report(const std::string& text) {
        try {
            load_pipeline(write(text));
            return "";
        } catch (const RecipeError& error) {
            return error.problems().front().message;
        }
    }
    /// kTwoRows with one text in the place of another.
    static std::string with(const std::string& old_text, const std::string& new_text) {
        std::string text = kTwoRows;
        return text.replace(text.find(old_text), old_text.size(), new_text);
    }
    TemporaryFolder folder_;
};

std::filesystem::path shipped() {
    return std::filesystem::path(R1_RECIPES_FOLDER) / "deepseek-r1" / "pipeline.yaml";
}

TEST_F(PipelineFile, IsToldFromARecipeByItsKey) {
    EXPECT_TRUE(is_pipeline_file(write(kTwoRows)));
    EXPECT_TRUE(is_pipeline_file(write("pipeline: x\nrows: nonsense\n")));
    EXPECT_FALSE(is_pipeline_file(write("name: x\nstages: []\n")));
    EXPECT_FALSE(is_pipeline_file(write("{")));
    EXPECT_FALSE(is_pipeline_file(folder_ / "none.yaml"));
}

TEST_F(PipelineFile, RecipesAreRelativeToIt) {
    const Pipeline pipeline = load_pipeline(write(kTwoRows));
    EXPECT_EQ(pipeline.currency, "USD");
    EXPECT_EQ(pipeline.rows.at(0).recipes,
              (std::vector<std::string>{(folder_ / "a.yaml").string(),
                                        (folder_ / "sub" / "b.yaml").string()}));
}

TEST_F(PipelineFile, WrongFilesAreRefusedAsRecipesAre) {
    EXPECT_EQ(report("pipeline: x\ngpu_type: h800\nrows:\n  - name: a\n    recipes: [a]\n"),
              "missing: the pipeline has no 'price_per_gpu_hour'");
    EXPECT_EQ(report(with("    gpus: 8\n", "")),
              "published_hours needs gpus, which is 0 (gpus is the default)");
    EXPECT_EQ(report(with("[b.yaml]", "[]")),
              "recipes is an empty list; name the recipe files of the row");
    EXPECT_EQ(report(with("published_gpu_hours: 7", "published_cost: 7")),
              "published_cost needs published_gpu_hours, which is 0 (published_gpu_hours is the "
              "default)");
    EXPECT_EQ(report(with("    gpus: 8", "    gpsu: 8")),
              "unknown key 'gpsu'; did you mean 'gpus'?");
}

TEST_F(PipelineFile, GpusTimesHoursGoBeforePrintedGpuHours) {
    const Pipeline pipeline = load_pipeline(write(kTwoRows));
    const HourlyPrice price = *pipeline.price_per_gpu_hour;
    EXPECT_EQ(bill_of(pipeline.rows[0], price).gpu_hours, 24);
    EXPECT_EQ(bill_of(pipeline.rows[0], price).cost.to_string(), "36.00");
    EXPECT_EQ(bill_of(pipeline.rows[1], price).gpu_hours, 7);
    const PipelineTotal total = total_of(pipeline);
    EXPECT_EQ(total.exact.gpu_hours, 31);
    EXPECT_EQ(total.exact.cost.to_string(), "46.50");
    EXPECT_EQ(total.printed.gpu_hours, 7);
}

TEST_F(PipelineFile, LargestRowsAddUpWithoutOverflow) {
    std::string text = "pipeline: x\ngpu_type: h800\nprice_per_gpu_hour: 2\nrows:\n";
    for (int i = 0; i < 64; ++i)
        text += "  - name: r" + std::to_string(i) +
                "\n    recipes: [a]\n    gpus: 1000000\n    published_hours: 40000\n"
                "    published_gpu_hours: 40000000000\n";
    const PipelineTotal total = total_of(load_pipeline(write(text)));
    EXPECT_EQ(total.exact.cost.to_string(), "5120000000000.00");
    EXPECT_EQ(total.printed.cost, total.exact.cost);
}

TEST(DeepSeekR1Pipeline, PublishedHoursGiveThePublishedTable) {
    const Pipeline pipeline = load_pipeline(shipped());
    std::vector<std::int64_t> gpu_hours;
    std::vector<std::string> costs;
    for (const PipelineRow& row : pipeline.rows) {
        if (!row.is_published()) continue;
        const PipelineBill bill = bill_of(row, *pipeline.price_per_gpu_hour);
        gpu_hours.push_back(bill.gpu_hours);
        costs.push_back(bill.cost.to_string());
        // Each row is printed in thousands, and its cost is that of what is printed.
        EXPECT_EQ((bill.gpu_hours + 500) / 1000 * 1000, row.published_gpu_hours) << row.name;
        EXPECT_EQ(cost_of(row.published_gpu_hours, *pipeline.price_per_gpu_hour),
                  Money::of(*row.published_cost))
            << row.name;
    }
    EXPECT_EQ(gpu_hours, (std::vector<std::int64_t>{101376, 5000, 40960}));
    EXPECT_EQ(costs, (std::vector<std::string>{"202752.00", "10000.00", "81920.00"}));
    const PipelineTotal total = total_of(pipeline);
    EXPECT_EQ(total.exact.gpu_hours, 147336);
    EXPECT_EQ(total.exact.cost.to_string(), "294672.00");
    EXPECT_EQ(total.printed.gpu_hours, pipeline.published_gpu_hours);
    EXPECT_EQ(total.printed.gpu_hours, 147000);
    EXPECT_EQ(total.printed.cost, Money::of(*pipeline.published_cost));
    EXPECT_EQ(total.printed.cost.to_string(), "294000.00");
}

TEST(DeepSeekR1Pipeline, NamesEveryRecipeOfItsFolderOnce) {
    std::vector<std::string> named;
    for (const PipelineRow& row : load_pipeline(shipped()).rows)
        for (const std::string& recipe : row.recipes) {
            EXPECT_TRUE(std::filesystem::exists(recipe)) << recipe;
            named.push_back(std::filesystem::path(recipe).filename().string());
        }
    std::vector<std::string> there;
    for (const auto& entry : std::filesystem::directory_iterator(shipped().parent_path())) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with("base-") && name != "pipeline.yaml") there.push_back(name);
    }
    std::sort(named.begin(), named.end());
    std::sort(there.begin(), there.end());
    EXPECT_EQ(named, there);
}

}  // namespace
}  // namespace r1
