// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/commands/pipeline_tables.h"
#include "slurm/pipeline/pipeline_bill.h"

namespace r1::cli {

namespace {

Json whole_or_null(std::int64_t number) {
    return number == 0 ? Json() : Json(number);
}

Json amount_or_null(const std::optional<Amount>& amount) {
    return amount ? Json(to_string(*amount)) : Json();
}

Json stage_json(const StageForecast& stage) {
    Json phases = Json::array();
    for (const PhaseForecast& phase : stage.phases)
        phases.push_back(
            {{"phase", phase.name}, {"step_seconds", phase.seconds}, {"bound", phase.bound}});
    return {{"stage", stage.stage},
            {"steps", stage.steps},
            {"step_seconds", stage.step_seconds},
            {"memory_bytes", stage.memory.total},
            {"fits", stage.memory.fits()},
            {"phases", phases}};
}

Json recipe_json(const RecipeForecast& one) {
    Json stages = Json::array();
    for (const StageForecast& stage : one.run.stages) stages.push_back(stage_json(stage));
    return {{"recipe", one.file.string()},
            {"gpus", one.run.layout.ranks},
            {"hours", one.hours()},
            {"gpu_hours", one.gpu_hours()},
            {"stages", stages}};
}

Json predicted_json(const PipelineRow& row, const RowForecast& forecast, HourlyPrice price) {
    Json recipes = Json::array();
    for (const RecipeForecast& one : forecast.recipes) recipes.push_back(recipe_json(one));
    return {{"hours", forecast.hours()},
            {"gpu_hours", forecast.gpu_hours()},
            {"cost", predicted_cost(forecast.gpu_hours(), price).to_string()},
            {"error_percent", row.is_published() ? Json(error_percent(row, forecast)) : Json()},
            {"recipes", recipes}};
}

Json row_json(const PipelineRow& row, const RowForecast& forecast, HourlyPrice price) {
    const PipelineBill bill = bill_of(row, price);
    return {{"row", row.name},
            {"gpus", whole_or_null(row.gpus)},
            {"hours", whole_or_null(row.published_hours)},
            {"gpu_hours", whole_or_null(bill.gpu_hours)},
            {"cost", row.is_published() ? Json(bill.cost.to_string()) : Json()},
            {"printed_gpu_hours", whole_or_null(row.published_gpu_hours)},
            {"printed_cost", amount_or_null(row.published_cost)},
            {"source", row.source},
            {"predicted", predicted_json(row, forecast, price)}};
}

}  // namespace

Json pipeline_json(const PipelinePlan& plan) {
    const Pipeline& pipeline = plan.pipeline;
    const PipelineTotal total = total_of(pipeline);
    Json rows = Json::array();
    for (std::size_t i = 0; i < pipeline.rows.size(); ++i)
        rows.push_back(row_json(pipeline.rows[i], plan.forecasts[i], *pipeline.price_per_gpu_hour));
    Json varied = Json::array();
    for (const VariedRow& one : plan.varied)
        varied.push_back({{"with", one.changed.what},
                          {"hours", one.forecast.hours()},
                          {"gpu_hours", one.forecast.gpu_hours()}});
    return {{"schema", 1},
            {"pipeline", pipeline.pipeline},
            {"currency", pipeline.currency},
            {"price_per_gpu_hour", to_string(*pipeline.price_per_gpu_hour)},
            {"rows", rows},
            {"total",
             {{"gpu_hours", total.exact.gpu_hours},
              {"cost", total.exact.cost.to_string()},
              {"printed_gpu_hours", whole_or_null(pipeline.published_gpu_hours)},
              {"printed_cost", amount_or_null(pipeline.published_cost)}}},
            {"varied", varied},
            {"assumptions", plan.forecasts.front().recipes.front().run.assumptions},
            {"notes", pipeline.notes}};
}

}  // namespace r1::cli
