// SPDX-License-Identifier: Apache-2.0
// One run in the table of `status`.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/history.h"
#include "cli/output/table.h"
#include "common/json.h"
#include "slurm/run_view.h"

namespace r1::cli {

struct StatusRow {
    RunView view;
    std::string state;
    Glance glance;
    Json usage = Json::object();           ///< as bill_json(); empty when it could not be made
    std::optional<AttemptRecord> attempt;  ///< the newest
    std::string problem;                   ///< why something of it could not be read
};

/// Never throws for what is in the run: a record that cannot be read is the row's problem.
StatusRow row_of(const RunView& view);

std::vector<Table::Column> status_columns();
std::vector<std::string> cells_of(const StatusRow& row, std::int64_t now_s);
Json to_json(const StatusRow& row);

}  // namespace r1::cli
