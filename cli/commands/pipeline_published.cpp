// SPDX-License-Identifier: Apache-2.0
#include <ostream>

#include "cli/commands/pipeline_tables.h"
#include "cli/output/grouped.h"
#include "cli/output/table.h"
#include "common/text.h"
#include "slurm/pipeline/pipeline_bill.h"

namespace r1::cli {

namespace {

std::string whole(std::int64_t number) {
    return number == 0 ? "-" : grouped(std::to_string(number));
}

/// "101K": as papers print it.
std::string in_thousands(std::int64_t number) {
    return number % 1000 == 0 ? grouped(std::to_string(number / 1000)) + "K"
                              : grouped(std::to_string(number));
}

std::string printed_hours(std::int64_t gpu_hours) {
    return gpu_hours == 0 ? "-" : in_thousands(gpu_hours);
}

std::string printed_cost(const std::optional<Amount>& cost) {
    constexpr std::int64_t kMicros = 1'000'000;
    if (!cost) return "-";
    if (cost->micros % kMicros != 0) return grouped(to_string(*cost));
    return in_thousands(cost->micros / kMicros);
}

std::string names_of(const PipelineRow& row) {
    std::string text;
    for (const std::filesystem::path file : row.recipes)
        text += (text.empty() ? "" : ", ") + file.stem().string();
    return text;
}

void print_total(const Pipeline& pipeline, std::ostream& out) {
    const PipelineTotal total = total_of(pipeline);
    const std::string& currency = pipeline.currency;
    out << "\nexactly: " << grouped(std::to_string(total.exact.gpu_hours)) << " GPU-hours x "
        << to_string(*pipeline.price_per_gpu_hour) << " = " << grouped(total.exact.cost.to_string())
        << ' ' << currency << "\nas printed: the rows are rounded first and add up to "
        << in_thousands(total.printed.gpu_hours) << " GPU-hours, which are "
        << grouped(total.printed.cost.to_string()) << ' ' << currency << '\n';
}

}  // namespace

void print_published(const Pipeline& pipeline, std::ostream& out) {
    using Align = Table::Align;
    out << pipeline.pipeline << ": what is published, at "
        << to_string(*pipeline.price_per_gpu_hour) << ' ' << pipeline.currency << " a GPU-hour\n\n";
    Table table({{"row", Align::kLeft},
                 {"GPUs", Align::kRight},
                 {"hours", Align::kRight},
                 {"GPU-hours", Align::kRight},
                 {"cost", Align::kRight},
                 {"printed", Align::kRight},
                 {"printed cost", Align::kRight},
                 {"recipes", Align::kLeft}});
    for (const PipelineRow& row : pipeline.rows) {
        if (!row.is_published()) continue;
        const PipelineBill bill = bill_of(row, *pipeline.price_per_gpu_hour);
        table.add({row.name, whole(row.gpus), whole(row.published_hours), whole(bill.gpu_hours),
                   grouped(bill.cost.to_string()), printed_hours(row.published_gpu_hours),
                   printed_cost(row.published_cost), names_of(row)});
    }
    const PipelineTotal total = total_of(pipeline);
    table.add({"total", "", "", whole(total.exact.gpu_hours), grouped(total.exact.cost.to_string()),
               printed_hours(pipeline.published_gpu_hours), printed_cost(pipeline.published_cost),
               ""});
    table.print(out);
    print_total(pipeline, out);
    for (const std::string& note : pipeline.notes) out << "note: " << printable(note) << '\n';
}

}  // namespace r1::cli
