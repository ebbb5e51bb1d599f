// SPDX-License-Identifier: Apache-2.0
// The answer of `cost` as a table, as JSON and as CSV.
#pragma once

#include <iosfwd>

#include "cli/context.h"
#include "common/json.h"
#include "slurm/billing/cost_answer.h"

namespace r1::cli {

/// "run", "user", "month": as --by calls it.
const char* name_of(CostKey key);

/// The table with its totals, and below it where two sources disagree.
void print_cost_table(const CostAnswer& answer, CostKey by, Context& context);
/// What is in no bill, and why.
void print_refused(const CostAnswer& answer, std::ostream& err);
Json cost_json(const CostAnswer& answer, const CostQuestion& question);
/// RFC 4180, with a heading. Whole numbers are exact; amounts are decimal text. A second currency
/// has a line of its own, without the rest, so that no column counts twice.
void print_cost_csv(const CostAnswer& answer, CostKey by, std::ostream& out);

/// "2.00/GPU-hour", "2.00/GPU-hour, 2.50/GPU-hour", "4 prices", "unpriced".
std::string prices_text(const CostRow& row);
std::string bases_text(const CostRow& row);

/// A cell of CSV: quoted where it needs to be. A text that a spreadsheet would take for a formula
/// begins with an apostrophe.
std::string csv_cell(const std::string& text);

}  // namespace r1::cli
