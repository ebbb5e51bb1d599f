// SPDX-License-Identifier: Apache-2.0
#include "slurm/pipeline/pipeline_file.h"

#include "recipes/merge.h"
#include "recipes/relation.h"

namespace r1 {

namespace {

constexpr std::size_t kMostRows = 64;
constexpr double kMostGpus = 1e6;
constexpr double kMostHours = 4e4;
// 64 rows of so many GPU-hours in milliseconds still fit into 64 bits.
constexpr double kMostGpuHours = 4e10;

constexpr Range between(double low, double high) {
    return {.low = low, .high = high};
}

const Table& row_table() {
    using S = PipelineRow;
    static const Table table{
        {
            row<&S::name>("name", kRequired, "", {}, "What the row is called.", kAnyStage,
                          check_present),
            row<&S::recipes>("recipes", kRequired, "", {},
                             "Recipe files, relative to this one, whose time the plan adds up.",
                             kAnyStage, check_present),
            row<&S::gpus>("gpus", "0", "GPUs", between(0, kMostGpus),
                          "GPUs that were used; 0: not published."),
            row<&S::published_hours>("published_hours", "0", "h", between(0, kMostHours),
                                     "Hours on those GPUs; 0: not published."),
            row<&S::published_gpu_hours>("published_gpu_hours", "0", "GPU-hours",
                                         between(0, kMostGpuHours),
                                         "GPU-hours as they are printed; 0: not published."),
            row<&S::published_cost>("published_cost", kAbsent, "currency", {},
                                    "The cost as it is printed."),
            row<&S::source>("source", "", "", {}, "Where the numbers are printed."),
        },
        {}};
    return table;
}

const Table& pipeline_table() {
    using S = Pipeline;
    static const Table table{
        {
            row<&S::pipeline>("pipeline", kRequired, "", {}, "Names the pipeline.", kAnyStage,
                              check_name),
            row<&S::currency>("currency", "USD", "", {}, "The currency of all amounts.", kAnyStage,
                              check_currency),
            row<&S::price_per_gpu_hour>("price_per_gpu_hour", kRequired, "currency/h", {},
                                        "What one GPU costs for one hour."),
            row<&S::gpu_type>("gpu_type", kRequired, "", {},
                              "Slurm's name of the GPU, for recipes that name none.", kAnyStage,
                              check_gpu_type),
            row<&S::published_gpu_hours>("published_gpu_hours", "0", "GPU-hours",
                                         between(0, kMostGpuHours),
                                         "The total as it is printed; 0: none is."),
            row<&S::published_cost>("published_cost", kAbsent, "currency", {},
                                    "The total cost as it is printed."),
            row<&S::notes>("notes", "", "", {}, "What a reader of the table should know."),
        },
        {},
        {list<&S::rows>("rows", "row", "a pipeline", kMostRows, row_table(),
                        "A list: the rows of the table, in its order.")}};
    return table;
}

void check_row(const PipelineRow& row, const std::string& path, Relations& relations) {
    relations.require(!row.recipes.empty(), path + ".recipes",
                      "recipes is an empty list; name the recipe files of the row");
    relations.require(row.published_hours == 0 || row.gpus > 0, path + ".published_hours",
                      path + ".gpus", "published_hours needs gpus, which is 0");
    relations.require(!row.published_cost || row.is_published(), path + ".published_cost",
                      path + ".published_gpu_hours",
                      "published_cost needs published_gpu_hours, which is 0");
}

void resolve_recipes(Pipeline& pipeline, const std::filesystem::path& folder) {
    for (PipelineRow& row : pipeline.rows)
        for (std::string& recipe : row.recipes)
            recipe = (folder / recipe).lexically_normal().string();
}

}  // namespace

const FileForm& pipeline_form() {
    static const FileForm form{"pipeline", "pipeline file", "pipeline: deepseek-r1", false,
                               &pipeline_table()};
    return form;
}

bool is_pipeline_file(const std::filesystem::path& file) {
    Sources sources;
    Problems problems;
    const std::optional<YamlNode> tree = read_tree(pipeline_form(), file, sources, problems);
    return tree && tree->find("pipeline") != nullptr;
}

Pipeline load_pipeline(const std::filesystem::path& file) {
    Sources sources;
    Problems problems;
    const std::optional<YamlNode> tree = read_tree(pipeline_form(), file, sources, problems);
    if (!tree) problems.throw_if_any();
    Pipeline pipeline;
    Origins origins;
    fill_file(pipeline_form(), *tree, &pipeline, origins, problems);
    Relations relations(origins, problems);
    for (std::size_t i = 0; i < pipeline.rows.size(); ++i)
        check_row(pipeline.rows[i], "rows." + std::to_string(i), relations);
    problems.throw_if_any();
    resolve_recipes(pipeline, file.parent_path());
    return pipeline;
}

}  // namespace r1
