// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/cost_table.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/output/table.h"
#include "common/text.h"

namespace r1::cli {

namespace {

template <class Texts>
std::string joined(const Texts& texts, const char* separator = ",") {
    std::string text;
    for (const std::string& one : texts) text += (text.empty() ? "" : separator) + one;
    return text;
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

std::string gpus_text(const CostRow& row) {
    std::set<std::string> counts;
    for (const std::int64_t gpus : row.gpus) counts.insert(std::to_string(gpus));
    if (row.gpus.empty() || (row.gpus.size() == 1 && *row.gpus.begin() == 0)) return "-";
    return row.gpus.size() == 1
               ? *counts.begin()
               : std::to_string(*row.gpus.begin()) + "-" + std::to_string(*row.gpus.rbegin());
}

std::string gpu_types_text(const CostRow& row) {
    std::set<std::string> types = row.gpu_types;
    if (types.erase("") > 0) types.insert("unknown");
    return joined(types);
}

std::string sources_text(const CostRow& row) {
    std::set<std::string> sources;
    for (const ChargeSource source : row.sources) sources.insert(to_string(source));
    const std::string text = joined(sources);
    return row.gpus_from.empty() ? text : text + " (GPUs: " + joined(row.gpus_from) + ")";
}

/// "2026-11" of months; "(none)" where it is not known.
std::string key_text(const CostRow& row, CostKey by) {
    if (row.key.empty()) return "(none)";
    return by == CostKey::kMonth ? row.key.substr(0, 4) + "-" + row.key.substr(4) : row.key;
}

bool is_without_gpus(const CostRow& row) {
    return row.bill.gpu_ms == 0 && row.bill.core_ms > 0;
}

std::string hours_or_dash(std::int64_t milliseconds) {
    return milliseconds == 0 ? "-" : hours_text(milliseconds);
}

std::string cost_cell(const CostRow& row) {
    if (row.bill.attempts == 0 && row.bill.wall_ms == 0) return "-";
    return cost_text(row.bill) + (row.bill.provisional ? " provisional" : "");
}

std::vector<Table::Column> columns(CostKey by) {
    const auto right = Table::Align::kRight;
    const bool run = by == CostKey::kRun;
    return {{name_of(by)},
            run ? Table::Column{"recipe", Table::Align::kLeft, true}
                : Table::Column{"runs", right, true},
            {"state", Table::Align::kLeft, true},
            {"attempts", right},
            {"GPU type", Table::Align::kLeft, true},
            {"GPUs", right, true},
            {"GPU-hours", right},
            {"core-hours", right, true},
            {"useful", right},
            {"lost", right},
            {"start-up", right},
            {"suspended", right, true},
            {"price", Table::Align::kLeft},
            {"cost", right},
            {"basis", Table::Align::kLeft},
            {"source", Table::Align::kLeft}};
}

/// Of jobs that are no runs of ours nothing tells what their time went into.
std::string work_text(const Bill& bill, std::int64_t milliseconds) {
    const bool told = bill.useful_ms + bill.lost_ms + bill.overhead_ms > 0;
    return told || bill.wall_ms == 0 ? hours_text(milliseconds) : "-";
}

std::vector<std::string> cells(const CostRow& row, CostKey by) {
    const Bill& bill = row.bill;
    return {key_text(row, by),
            by == CostKey::kRun ? or_dash(joined(row.recipes)) : std::to_string(row.runs),
            or_dash(row.state),
            std::to_string(bill.attempts),
            or_dash(gpu_types_text(row)),
            gpus_text(row),
            is_without_gpus(row) ? "-" : hours_text(bill.gpu_ms),
            is_without_gpus(row) ? hours_text(bill.core_ms) : "-",
            work_text(bill, bill.useful_ms),
            work_text(bill, bill.lost_ms),
            work_text(bill, bill.overhead_ms),
            hours_or_dash(bill.suspended_ms),
            prices_text(row),
            cost_cell(row),
            bases_text(row),
            or_dash(sources_text(row))};
}

/// One line a currency: amounts in two are never added.
void add_total(Table& table, const CostAnswer& answer, CostKey by) {
    std::int64_t core_ms = 0;
    for (const CostRow& row : answer.rows) core_ms += is_without_gpus(row) ? row.bill.core_ms : 0;
    CostRow total = answer.total;
    std::vector<std::string> amounts;
    for (const auto& [currency, amount] : total.bill.cost)
        amounts.push_back(amount.to_string() + " " + currency +
                          (total.bill.provisional ? " provisional" : ""));
    if (total.bill.unpriced) amounts.emplace_back("unpriced");
    if (amounts.empty()) amounts.emplace_back("-");
    std::vector<std::string> line = cells(total, by);
    line[0] = "total";
    line[1] = by == CostKey::kRun ? "" : line[1];
    line[7] = hours_or_dash(core_ms);
    for (const std::size_t column : {2, 4, 5, 12, 14, 15}) line[column] = "";
    for (const std::string& amount : amounts) {
        line[13] = amount;
        table.add(line);
        line.assign(line.size(), "");
    }
}

std::string place_text(const CostRemark& remark) {
    std::string text = remark.run;
    if (remark.attempt > 0) text += ", attempt " + std::to_string(remark.attempt);
    if (remark.job > 0 && !remark.run.starts_with("job "))
        text += ", job " + std::to_string(remark.job);
    return text;
}

std::string seconds_text(std::int64_t milliseconds) {
    const std::string rest = std::to_string(milliseconds % 1000);
    const std::string whole = std::to_string(milliseconds / 1000);
    return milliseconds % 1000 == 0 ? whole + " s"
                                    : whole + "." + std::string(3 - rest.size(), '0') + rest + " s";
}

Json remark_json(const CostRemark& remark) {
    Json row{{"run", remark.run}, {"attempt", remark.attempt}, {"job", remark.job}};
    if (!remark.refused.empty()) row["refused"] = remark.refused;
    if (!remark.disagreement) return row;
    row["own_ms"] = remark.disagreement->own_ms;
    row["accounting_ms"] = remark.disagreement->other_ms;
    row["reason"] = remark.disagreement->reason;
    return row;
}

Json row_json(const CostRow& row) {
    Json sources = Json::array();
    for (const ChargeSource source : row.sources) sources.push_back(to_string(source));
    Json prices = Json::array();
    for (const Rate& rate : row.rates)
        prices.push_back({{"name", rate.name},
                          {"currency", rate.currency},
                          {"price", price_text(rate)},
                          {"basis", basis_text(rate)}});
    Json json{{"key", row.key}, {"runs", row.runs}, {"recipes", row.recipes}};
    if (!row.state.empty()) json["state"] = row.state;
    json["gpu_types"] = row.gpu_types;
    json["gpus"] = row.gpus;
    json["gpus_from"] = row.gpus_from;
    json["sources"] = sources;
    json["prices"] = prices;
    json["bill"] = bill_json(row.bill);
    return json;
}

}  // namespace

const char* name_of(CostKey key) {
    switch (key) {
        case CostKey::kRun:
            return "run";
        case CostKey::kUser:
            return "user";
        case CostKey::kRecipe:
            return "recipe";
        case CostKey::kStage:
            return "stage";
        case CostKey::kPartition:
            return "partition";
        case CostKey::kGpu:
            return "gpu";
        case CostKey::kMonth:
            return "month";
        case CostKey::kAccount:
            return "account";
    }
    return "";
}

std::string prices_text(const CostRow& row) {
    std::set<std::string> texts;
    for (const Rate& rate : row.rates) {
        const bool tells = row.bill.cost.size() > 1 && basis_text(rate) != "-";
        texts.insert(price_text(rate) + (tells ? " " + rate.currency : ""));
    }
    if (row.bill.unpriced) texts.insert("unpriced");
    return texts.size() > 2 ? std::to_string(texts.size()) + " prices"
                            : or_dash(joined(texts, ", "));
}

std::string bases_text(const CostRow& row) {
    std::set<std::string> texts;
    for (const Rate& rate : row.rates)
        if (basis_text(rate) != "-") texts.insert(basis_text(rate));
    return or_dash(joined(texts));
}

std::string csv_cell(const std::string& text) {
    const bool formula =
        !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
    const std::string safe = formula ? "'" + text : text;
    if (safe.find_first_of(",\"\r\n") == std::string::npos) return safe;
    std::string quoted = "\"";
    for (const char c : safe) quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + "\"";
}

void print_cost_table(const CostAnswer& answer, CostKey by, Context& context) {
    Table table(columns(by));
    for (const CostRow& row : answer.rows) table.add(cells(row, by));
    add_total(table, answer, by);
    table.print(context.out);
    for (const CostRemark& remark : answer.remarks) {
        if (!remark.disagreement) continue;
        context.out << printable(place_text(remark)) << ": "
                    << seconds_text(remark.disagreement->own_ms) << " by its own records, "
                    << seconds_text(remark.disagreement->other_ms)
                    << " by the accounting: " << printable(remark.disagreement->reason) << '\n';
    }
}

void print_refused(const CostAnswer& answer, std::ostream& err) {
    for (const CostRemark& remark : answer.remarks)
        if (!remark.refused.empty())
            err << printable(place_text(remark))
                << " is not in the bill: " << printable(remark.refused) << '\n';
}

Json cost_json(const CostAnswer& answer, const CostQuestion& question) {
    const CostQuestion all;
    Json rows = Json::array();
    for (const CostRow& row : answer.rows) rows.push_back(row_json(row));
    Json remarks = Json::array();
    for (const CostRemark& remark : answer.remarks) remarks.push_back(remark_json(remark));
    const auto bound = [](std::int64_t moment, std::int64_t none) {
        return moment == none ? Json(nullptr) : Json(moment);
    };
    return {{"schema", 1},
            {"by", name_of(question.by)},
            {"since_ms", bound(question.since_ms, all.since_ms)},
            {"until_ms", bound(question.until_ms, all.until_ms)},
            {"rows", rows},
            {"total", row_json(answer.total)},
            {"remarks", remarks}};
}

void print_cost_csv(const CostAnswer& answer, CostKey by, std::ostream& out) {
    out << name_of(by)
        << ",recipes,state,attempts,gpu_type,gpus,wall_ms,gpu_ms,core_ms,node_ms,billing_ms,"
           "useful_ms,lost_ms,overhead_ms,suspended_ms,gpu_hours,core_hours,price,cost,currency,"
           "unpriced,basis,source,provisional\r\n";
    for (const CostRow& row : answer.rows) {
        const Bill& bill = row.bill;
        std::string line = csv_cell(row.key) + "," + csv_cell(joined(row.recipes, ";")) + "," +
                           csv_cell(row.state) + "," + std::to_string(bill.attempts) + "," +
                           csv_cell(joined(row.gpu_types, ";")) + "," +
                           (row.gpus.empty() ? "" : std::to_string(*row.gpus.rbegin()));
        for (const std::int64_t value :
             {bill.wall_ms, bill.gpu_ms, bill.core_ms, bill.node_ms, bill.billing_ms,
              bill.useful_ms, bill.lost_ms, bill.overhead_ms, bill.suspended_ms})
            line += "," + std::to_string(value);
        line += "," + hours_text(bill.gpu_ms) + "," + hours_text(bill.core_ms) + "," +
                csv_cell(row.rates.empty() ? "" : prices_text(row)) + ",";
        auto amount = bill.cost.begin();
        if (amount != bill.cost.end())
            line += amount->second.to_string() + "," + csv_cell(amount->first);
        else
            line += ",";
        out << line << "," << (bill.unpriced ? "yes" : "no") << ","
            << csv_cell(row.rates.empty() ? "" : bases_text(row)) << ","
            << csv_cell(sources_text(row)) << "," << (bill.provisional ? "yes" : "no") << "\r\n";
        if (amount == bill.cost.end()) continue;
        for (++amount; amount != bill.cost.end(); ++amount)
            out << csv_cell(row.key) << std::string(18, ',') << amount->second.to_string() << ","
                << csv_cell(amount->first) << ",,,,\r\n";
    }
}

}  // namespace r1::cli
