// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/plan_pipeline.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands/pipeline_tables.h"

namespace r1::cli {

bool is_pipeline(const std::filesystem::path& path) {
    return is_pipeline_file(path);
}

int plan_pipeline(const std::filesystem::path& path, bool json, Context& context) {
    PipelinePlan plan;
    plan.pipeline = load_pipeline(path);
    for (const PipelineRow& row : plan.pipeline.rows)
        plan.forecasts.push_back(forecast_row(row, plan.pipeline));
    const PipelineRow& first = plan.pipeline.rows.front();
    if (first.is_published())
        for (const Assumption& changed : doubtful_assumptions())
            plan.varied.push_back({changed, forecast_row(first, plan.pipeline, changed)});
    if (json) {
        context.out << pipeline_json(plan).dump(2) << '\n';
        return 0;
    }
    print_published(plan.pipeline, context.out);
    print_predicted(plan, context.out);
    return 0;
}

}  // namespace r1::cli
