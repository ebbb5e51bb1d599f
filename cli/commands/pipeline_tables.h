// SPDX-License-Identifier: Apache-2.0
// The parts of a pipeline's plan, for people and as JSON.
#pragma once

#include <iosfwd>
#include <vector>

#include "common/json.h"
#include "slurm/pipeline/pipeline_file.h"
#include "slurm/pipeline/pipeline_forecast.h"

namespace r1::cli {

/// One of the pipeline's rows with one thing assumed otherwise.
struct VariedRow {
    Assumption changed;
    RowForecast forecast;
};

/// A pipeline and what is said of it; rows and forecasts go together.
struct PipelinePlan {
    Pipeline pipeline;
    std::vector<RowForecast> forecasts;
    std::vector<VariedRow> varied;  ///< of the first row
};

/// What is published, exactly, beside how it is printed.
void print_published(const Pipeline& pipeline, std::ostream& out);
/// What the performance model says, with its error and where that comes from.
void print_predicted(const PipelinePlan& plan, std::ostream& out);
/// Schema 1: whole GPU-hours where they are published, decimal text for amounts.
Json pipeline_json(const PipelinePlan& plan);

}  // namespace r1::cli
