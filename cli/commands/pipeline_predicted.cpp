// SPDX-License-Identifier: Apache-2.0
#include <ostream>

#include "cli/commands/pipeline_tables.h"
#include "cli/output/grouped.h"
#include "cli/output/numbers.h"
#include "cli/output/table.h"
#include "common/text.h"

namespace r1::cli {

namespace {

using Align = Table::Align;

std::string whole(double value) {
    return grouped(fixed(value, 0));
}

std::string cost_text(const Pipeline& pipeline, double gpu_hours) {
    return grouped(predicted_cost(gpu_hours, *pipeline.price_per_gpu_hour).to_string());
}

/// "+12.3%"
std::string error_text(double percent) {
    return (percent < 0 ? "" : "+") + fixed(percent, 1) + "%";
}

void print_rows(const PipelinePlan& plan, std::ostream& out) {
    Table table({{"row", Align::kLeft},
                 {"recipe", Align::kLeft},
                 {"GPUs", Align::kRight},
                 {"steps", Align::kRight},
                 {"s/step", Align::kRight},
                 {"hours", Align::kRight},
                 {"GPU-hours", Align::kRight},
                 {"cost", Align::kRight}});
    for (std::size_t i = 0; i < plan.forecasts.size(); ++i)
        for (const RecipeForecast& one : plan.forecasts[i].recipes) {
            const StageForecast& stage = one.run.stages.front();
            table.add({plan.pipeline.rows[i].name, one.recipe.name,
                       std::to_string(one.run.layout.ranks),
                       whole(static_cast<double>(stage.steps)), fixed(stage.step_seconds, 1),
                       fixed(one.hours(), 1), whole(one.gpu_hours()),
                       cost_text(plan.pipeline, one.gpu_hours())});
        }
    table.print(out);
}

void print_errors(const PipelinePlan& plan, std::ostream& out) {
    out << '\n';
    for (std::size_t i = 0; i < plan.forecasts.size(); ++i) {
        const PipelineRow& row = plan.pipeline.rows[i];
        if (!row.is_published()) continue;
        const RowForecast& forecast = plan.forecasts[i];
        out << row.name << ": ";
        if (row.published_hours > 0)
            out << fixed(forecast.hours(), 1) << " hours predicted, " << row.published_hours
                << " published";
        else
            out << whole(forecast.gpu_hours()) << " GPU-hours predicted, "
                << grouped(std::to_string(row.published_gpu_hours)) << " published";
        out << ": " << error_text(error_percent(row, forecast)) << '\n';
    }
}

void add_phases(const RecipeForecast& one, Table& table) {
    const StageForecast& stage = one.run.stages.front();
    const double steps = static_cast<double>(stage.steps);
    const auto add = [&](const std::string& name, double seconds, const std::string& bound) {
        table.add({one.recipe.name, name, fixed(seconds / steps, 2), fixed(seconds / 3600, 1),
                   fixed(100 * seconds / one.run.seconds, 1) + "%", bound});
    };
    for (const PhaseForecast& phase : stage.phases)
        add(phase.name, phase.seconds * steps, phase.bound);
    add("start", one.run.start_seconds, "-");
    add("evaluation", one.run.evaluation_seconds, "-");
    add("saving", one.run.save_seconds, "-");
}

/// Where the first row's time, and so its error, comes from.
void print_phases(const PipelinePlan& plan, std::ostream& out) {
    const RowForecast& forecast = plan.forecasts.front();
    out << "\nwhere " << plan.pipeline.rows.front().name << "'s time comes from\n\n";
    Table table({{"recipe", Align::kLeft},
                 {"phase", Align::kLeft},
                 {"s/step", Align::kRight},
                 {"hours", Align::kRight},
                 {"share", Align::kRight},
                 {"bound by", Align::kLeft}});
    for (const RecipeForecast& one : forecast.recipes) add_phases(one, table);
    table.print(out);
}

void print_varied(const PipelinePlan& plan, std::ostream& out) {
    const PipelineRow& row = plan.pipeline.rows.front();
    out << "\nwhat " << row.name << "'s prediction hangs on\n\n";
    Table table({{"with", Align::kLeft},
                 {"hours", Align::kRight},
                 {"GPU-hours", Align::kRight},
                 {"error", Align::kRight}});
    const auto add = [&](const std::string& what, const RowForecast& forecast) {
        table.add({what, fixed(forecast.hours(), 1), whole(forecast.gpu_hours()),
                   error_text(error_percent(row, forecast))});
    };
    add("all as assumed", plan.forecasts.front());
    for (const VariedRow& varied : plan.varied) add(varied.changed.what, varied.forecast);
    table.print(out);
}

/// What does not fit into a GPU's memory is said, not hidden: the time is that of a layout which
/// cannot be.
void print_memory(const PipelinePlan& plan, std::ostream& out) {
    constexpr double kGiga = 1e9;
    for (const RowForecast& forecast : plan.forecasts)
        for (const RecipeForecast& one : forecast.recipes)
            for (const StageForecast& stage : one.run.stages)
                if (!stage.memory.fits())
                    out << "note: " << one.recipe.name << ", stage " << stage.stage
                        << ", does not fit: " << fixed(stage.memory.total / kGiga, 1) << " of "
                        << fixed(stage.memory.capacity / kGiga, 1) << " GB a GPU\n";
}

}  // namespace

void print_predicted(const PipelinePlan& plan, std::ostream& out) {
    out << "\nfrom the performance model alone, at efficiencies that are assumed\n\n";
    print_rows(plan, out);
    print_errors(plan, out);
    if (!plan.varied.empty()) {
        print_phases(plan, out);
        print_varied(plan, out);
    }
    out << '\n';
    for (const std::string& sentence : plan.forecasts.front().recipes.front().run.assumptions)
        out << "assumed: " << printable(sentence) << '\n';
    print_memory(plan, out);
}

}  // namespace r1::cli
