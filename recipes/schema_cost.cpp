// SPDX-License-Identifier: Apache-2.0
// The tables of prices: of a recipe, and of a cluster file.
#include "common/time.h"
#include "recipes/schema.h"

namespace r1 {

namespace {

std::string check_moment(std::string_view text) {
    if (text.empty() || parse_utc(text)) return "";
    return "is not a date; write 2026-01-31, or a moment in UTC as 2026-01-31T12:00:00Z";
}

}  // namespace

const Table& price_table() {
    using S = PriceRow;
    static const Table table{
        {
            row<&S::name>("name", kRequired, "", {}, "What bills call this price.", kAnyStage,
                          check_present),
            row<&S::effective_from>("effective_from", "", "", {},
                                    "The day in UTC, or the moment, from which it holds; empty: "
                                    "always. The newest that has begun counts.",
                                    kAnyStage, check_moment),
            row<&S::gpu_type>("gpu_type", "", "", {}, "Slurm's name of the GPU; empty: any.",
                              kAnyStage, check_gpu_type),
            row<&S::partition>("partition", "", "", {},
                               "The partition; empty: any. A price of a partition goes before one "
                               "of a GPU, and either before one of neither."),
            row<&S::currency>("currency", "", "", {},
                              "Three capital letters; empty: that of the section or the cluster.",
                              kAnyStage, check_currency_or_none),
            row<&S::per_gpu_hour>("per_gpu_hour", kAbsent, "currency/h", {},
                                  "Of one allocated GPU."),
            row<&S::per_core_hour>("per_core_hour", kAbsent, "currency/h", {},
                                   "Of one allocated CPU core, added to the others."),
            row<&S::per_node_hour>("per_node_hour", kAbsent, "currency/h", {},
                                   "Of one node, added to the others."),
            row<&S::per_billing_hour>("per_billing_hour", kAbsent, "currency/h", {},
                                      "Of one unit of Slurm's billing TRES, added to the others."),
        },
        {}};
    return table;
}

const Table& cost_table() {
    using S = CostSection;
    static const Table table{
        {
            row<&S::currency>("currency", "USD", "", {}, "The currency of the prices.", kAnyStage,
                              check_currency),
            row<&S::price_per_gpu_hour>("price_per_gpu_hour", kAbsent, "currency/h", {},
                                        "Price of one GPU for one hour, whatever `prices` and the "
                                        "cluster say; absent: they say."),
            row<&S::price_per_core_hour>("price_per_core_hour", kAbsent, "currency/h", {},
                                         "Price of one CPU core for one hour, likewise."),
            row<&S::budget>("budget", kAbsent, "currency", {},
                            "The most that the run may cost over all attempts. `submit` refuses "
                            "what could exceed it, and a run that reaches it saves and stops."),
        },
        {},
        {price_list<&CostSection::prices>()}};
    return table;
}

}  // namespace r1
