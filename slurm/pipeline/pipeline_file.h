// SPDX-License-Identifier: Apache-2.0
// A pipeline file: recipes that belong together, beside what somebody published of their cost.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/money.h"
#include "recipes/schema.h"

namespace r1 {

/// One row of a published table, or recipes of which nothing is published.
struct PipelineRow {
    std::string name;
    std::vector<std::string> recipes;  ///< a loaded pipeline holds whole paths
    std::int64_t gpus = 0;             ///< 0: not published
    std::int64_t published_hours = 0;  ///< on `gpus`; 0: not published
    /// As it is printed, which may be rounded; 0: not published.
    std::int64_t published_gpu_hours = 0;
    std::optional<Amount> published_cost;
    std::string source;
    friend bool operator==(const PipelineRow&, const PipelineRow&) = default;

    bool is_published() const { return published_hours > 0 || published_gpu_hours > 0; }
};

struct Pipeline {
    std::string pipeline;  ///< its name
    std::string currency;
    std::optional<HourlyPrice> price_per_gpu_hour;  ///< always there in a loaded one
    std::string gpu_type;
    std::int64_t published_gpu_hours = 0;  ///< the printed total; 0: none
    std::optional<Amount> published_cost;
    std::vector<std::string> notes;
    std::vector<PipelineRow> rows;
    friend bool operator==(const Pipeline&, const Pipeline&) = default;
};

/// The form of a pipeline file. Its objects are Pipeline.
const FileForm& pipeline_form();

/// Whether the file is one by its key `pipeline`. False, too, for one that cannot be read.
bool is_pipeline_file(const std::filesystem::path& file);

/// Throws RecipeError with every problem, as for a recipe. The recipes themselves are not read.
Pipeline load_pipeline(const std::filesystem::path& file);

}  // namespace r1
