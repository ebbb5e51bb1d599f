// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/cost_diff.h"

#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "cli/charged_runs.h"
#include "cli/commands/cost_source.h"
#include "cli/commands/cost_table.h"
#include "cli/output/table.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/text.h"
#include "recipes/load.h"

namespace r1::cli {

namespace {

constexpr std::int64_t kHourMs = 3'600'000;

/// Tenths of a percent, rounded to the nearest: "+12.5%". "-" where there is nothing to compare to.
std::string percent(std::int64_t before, std::int64_t after) {
    __extension__ using Wide = __int128;
    if (before <= 0) return before == after ? "0.0%" : "-";
    const Wide doubled = (Wide{after} - before) * 2000;
    const Wide tenths = (doubled + (doubled < 0 ? -before : before)) / (2 * Wide{before});
    const auto whole = static_cast<std::int64_t>(tenths < 0 ? -tenths : tenths);
    return (tenths > 0   ? "+"
            : tenths < 0 ? "-"
                         : "") +
           std::to_string(whole / 10) + "." + std::to_string(whole % 10) + "%";
}

std::string signed_hours(std::int64_t difference_ms) {
    return difference_ms < 0 ? "-" + hours_text(-difference_ms)
                             : (difference_ms > 0 ? "+" : "") + hours_text(difference_ms);
}

struct Line {
    std::string what;
    std::string before;
    std::string after;
    std::string difference;
    std::string percent;
};

Line hours_line(const std::string& what, std::int64_t before, std::int64_t after) {
    return {what, hours_text(before), hours_text(after), signed_hours(after - before),
            percent(before, after)};
}

std::string plus(const std::string& text) {
    return text.starts_with('-') || text == "0.00" ? text : "+" + text;
}

/// One for each currency that either has.
std::vector<Line> cost_lines(const Bill& before, const Bill& after) {
    std::set<std::string> currencies;
    for (const Bill* bill : {&before, &after})
        for (const auto& [currency, amount] : bill->cost) currencies.insert(currency);
    std::vector<Line> lines;
    for (const std::string& currency : currencies) {
        const auto amount_of = [&](const Bill& bill) {
            const auto found = bill.cost.find(currency);
            return found == bill.cost.end() ? Money() : found->second;
        };
        const Money from = amount_of(before);
        const Money to = amount_of(after);
        Money difference = to;
        difference -= from;
        // How many parts of 3.6 million of the one the other is.
        const bool comparable = from > Money();
        lines.push_back({"cost " + currency, from.to_string(), to.to_string(),
                         plus(difference.to_string()),
                         comparable ? percent(kHourMs, to.milliseconds_at(from)) : "-"});
    }
    if (before.unpriced || after.unpriced)
        lines.push_back({"unpriced", before.unpriced ? "some" : "none",
                         after.unpriced ? "some" : "none", "", ""});
    return lines;
}

std::vector<Line> bill_lines(const CostRow& before, const CostRow& after) {
    const Bill& a = before.bill;
    const Bill& b = after.bill;
    std::vector<Line> lines{{"attempts", std::to_string(a.attempts), std::to_string(b.attempts),
                             plus(std::to_string(b.attempts - a.attempts)),
                             percent(a.attempts, b.attempts)}};
    lines.push_back(hours_line("wall hours", a.wall_ms, b.wall_ms));
    lines.push_back(hours_line("GPU-hours", a.gpu_ms, b.gpu_ms));
    lines.push_back(hours_line("core-hours", a.core_ms, b.core_ms));
    lines.push_back(hours_line("useful", a.useful_ms, b.useful_ms));
    lines.push_back(hours_line("lost", a.lost_ms, b.lost_ms));
    lines.push_back(hours_line("start-up", a.overhead_ms, b.overhead_ms));
    lines.push_back(hours_line("suspended", a.suspended_ms, b.suspended_ms));
    for (Line& line : cost_lines(a, b)) lines.push_back(std::move(line));
    lines.push_back({"price", prices_text(before), prices_text(after), "", ""});
    lines.push_back({"basis", bases_text(before), bases_text(after), "", ""});
    return lines;
}

/// What of two runs may be why their bills differ.
std::vector<std::pair<std::string, std::string>> traits_of(const RunDirectory& run,
                                                           const CostRow& row) {
    const auto joined = [](const auto& texts) {
        std::string text;
        for (const auto& one : texts) text += (text.empty() ? "" : ",") + one;
        return text.empty() ? "-" : text;
    };
    std::vector<std::string> gpus;
    for (const std::int64_t count : row.gpus) gpus.push_back(std::to_string(count));
    const Recipe recipe = load_recipe(run.recipe());
    std::vector<std::pair<std::string, std::string>> traits{
        {"state", row.state},
        {"recipe", recipe.name},
        {"ranks", std::to_string(recipe.resources.ranks)},
        {"GPUs", joined(gpus)},
        {"GPU type", joined(row.gpu_types)}};
    for (const StageSection& stage : recipe.stages)
        traits.emplace_back("steps of " + stage.name, std::to_string(stage.steps));
    return traits;
}

void print_traits(const std::vector<std::pair<std::string, std::string>>& before,
                  const std::vector<std::pair<std::string, std::string>>& after, Table& table) {
    const auto value_in = [](const auto& traits, const std::string& name) -> std::string {
        for (const auto& [known, value] : traits)
            if (known == name) return value;
        return "-";
    };
    const auto add = [&](const std::string& name) {
        const std::string a = value_in(before, name);
        const std::string b = value_in(after, name);
        if (a != b) table.add({name, a, b, "differs", ""});
    };
    for (const auto& [name, value] : before) add(name);
    for (const auto& [name, value] : after)
        if (value_in(before, name) == "-") add(name);
}

CostRow row_of(const ReadRun& run, CostQuestion question) {
    question.by = CostKey::kRun;
    Vocabulary words;
    CostSum sum(question, words);
    sum.begin_run(0, run.run.run_id(), run.state);
    add_charges(sum, run.charges, question, words);
    const CostAnswer answer = sum.answer();
    if (!answer.rows.empty()) return answer.rows.front();
    CostRow none;
    none.key = run.run.run_id();
    none.state = run.state;
    return none;
}

void print_json(const std::vector<Line>& lines, const CostRow& before, const CostRow& after,
                std::ostream& out) {
    Json differences = Json::array();
    for (const Line& line : lines)
        differences.push_back({{"what", line.what},
                               {"before", line.before},
                               {"after", line.after},
                               {"difference", line.difference},
                               {"percent", line.percent}});
    const Json json{{"schema", 1},
                    {"runs", {before.key, after.key}},
                    {"before", bill_json(before.bill)},
                    {"after", bill_json(after.bill)},
                    {"differences", differences}};
    out << json.dump(2) << '\n';
}

}  // namespace

int print_cost_diff(const CostOptions& options, const CostQuestion& question, Context& context) {
    std::vector<std::string> problems;
    std::vector<RunDirectory> runs;
    for (const std::string& name : options.diff) runs.push_back(find_run(options.runs, name));
    if (runs[0].root() == runs[1].root())
        throw Error(ExitCode::kUsage, "--diff needs two runs, and these are one");
    const std::vector<ReadRun> read = read_runs(runs, context, problems);
    for (const std::string& problem : problems) context.err << printable(problem) << '\n';
    if (read.size() < runs.size()) return static_cast<int>(ExitCode::kRunFailed);
    const CostRow before = row_of(read[0], question);
    const CostRow after = row_of(read[1], question);
    const std::vector<Line> lines = bill_lines(before, after);
    if (options.json) {
        print_json(lines, before, after, context.out);
        return 0;
    }
    const auto right = Table::Align::kRight;
    Table table({{""},
                 {runs[0].run_id(), right},
                 {runs[1].run_id(), right},
                 {"difference", right},
                 {"percent", right}});
    for (const Line& line : lines)
        table.add({line.what, line.before, line.after, line.difference, line.percent});
    print_traits(traits_of(runs[0], before), traits_of(runs[1], after), table);
    table.print(context.out);
    context.out << "next: " << next_command("cost", runs[1]) << " --explain\n";
    return 0;
}

}  // namespace r1::cli
