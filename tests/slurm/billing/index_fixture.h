// SPDX-License-Identifier: Apache-2.0
// Runs that are folders with nothing in them, and their charges in memory.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "slurm/billing/index.h"
#include "tests/common/temporary_folder.h"
#include "tests/slurm/billing/charge_fixture.h"

namespace r1::test {

/// Charges with prices that change, several months, cut pieces, cores alone and no price at all.
class RandomCharges {
  public:
    explicit RandomCharges(unsigned seed) : random_(seed) {
        prices_.currency = "USD";
        prices_.prices = {gpu_price("old", "1.999999"),
                          gpu_price("new", "2.50", "2026-02-10T03:04:05Z")};
        PriceRow euro = gpu_price("euro", "3.141592");
        euro.currency = "EUR";
        euro.partition = "west";
        euro.per_core_hour = parse_hourly_price("0.013579");
        prices_.prices.push_back(euro);
    }

    std::vector<Charge> of_run(const std::string& run, int count) {
        std::vector<Charge> charges;
        const std::string user = "user" + std::to_string(pick(3));
        for (int i = 0; i < count; ++i) charges.push_back(one(run, user, i + 1));
        return charges;
    }
    std::int64_t pick(std::int64_t below) {
        return std::uniform_int_distribution<std::int64_t>(0, below - 1)(random_);
    }
    std::int64_t moment() { return at("2026-01-01") + pick(120 * 24 * kHourMs); }

  private:
    Charge one(const std::string& run, const std::string& user, int attempt) {
        Charge charge;
        charge.run = run;
        charge.recipe = "recipe" + std::to_string(pick(2));
        charge.user = user;
        charge.account = pick(2) == 0 ? "physics" : "";
        charge.partition = pick(2) == 0 ? "west" : "east";
        charge.gpu_type = pick(2) == 0 ? "h800" : "a100";
        charge.attempt = attempt;
        charge.job = 100 + attempt;
        charge.source = pick(2) == 0 ? ChargeSource::kOwn : ChargeSource::kAccounting;
        charge.provisional = pick(10) == 0;
        charge.allocated = {pick(4) * 8, 1 + pick(3), pick(65), pick(2) - 1};
        charge.start_ms = moment();
        charge.end_ms = charge.start_ms + (pick(12) == 0 ? 0 : pick(40 * 24 * kHourMs));
        charge.suspended_ms = pick(3) == 0 ? (charge.end_ms - charge.start_ms) / 3 : 0;
        std::int64_t from = charge.start_ms;
        for (int i = 0; i < 3 && from < charge.end_ms; ++i) {
            const std::int64_t to = from + 1 + pick(charge.end_ms - from);
            charge.pieces.push_back({static_cast<Work>(pick(3)),
                                     i == 0 ? "" : "s" + std::to_string(i), from,
                                     std::min(to, charge.end_ms)});
            from = charge.pieces.back().end_ms;
        }
        charge.rates = rates_of(prices_, charge.partition, charge.gpu_type);
        if (pick(8) == 0) charge.rates.clear();
        if (pick(15) == 0) charge.refused = "a MIG slice is not a GPU";
        if (pick(9) == 0) charge.disagreement = Disagreement{7, 8, "clock"};
        return charge;
    }

    std::mt19937_64 random_;
    CostSection prices_;
};

class IndexedRuns {
  public:
    IndexedRuns() { settings.folder = folder_ / "state"; }

    std::filesystem::path runs_folder() const { return folder_ / "runs"; }
    std::filesystem::path database() const { return *settings.folder / "index.sqlite"; }
    std::filesystem::path seal() const { return *settings.folder / "index.seal"; }
    std::filesystem::path folder() const { return folder_.path(); }

    RunDirectory add(const std::string& id, std::vector<Charge> run_charges) {
        const RunDirectory run(runs_folder() / id);
        std::filesystem::create_directories(run.attempts());
        std::ofstream(run.recipe()) << "name: tiny\n";
        charges[id] = std::move(run_charges);
        runs.push_back(run);
        return run;
    }
    /// As if a record had been written.
    void touch(const RunDirectory& run) { std::ofstream(run.summary(), std::ios::app) << "x"; }

    CostAnswer ask(const CostQuestion& question = {}) {
        CostIndex index(settings, [this](const std::string& line) { log.push_back(line); });
        return index.answer(runs, question, [this](const std::vector<RunDirectory>& wanted) {
            std::vector<ReadRun> found;
            for (const RunDirectory& run : wanted) {
                read.push_back(run.run_id());
                found.push_back({run, "completed", charges.at(run.run_id()),
                                 std::count(open.begin(), open.end(), run.run_id()) > 0});
            }
            return found;
        });
    }
    /// The names of the runs that were read since the last call.
    std::vector<std::string> taken() { return std::exchange(read, {}); }

    // Folders of tests are new: nothing in them has settled.
    IndexSettings settings{std::nullopt, 0.2, -1000};
    std::vector<RunDirectory> runs;
    std::map<std::string, std::vector<Charge>> charges;
    std::vector<std::string> open;
    std::vector<std::string> read;
    std::vector<std::string> log;

  private:
    TemporaryFolder folder_;
};

/// Everything that a bill holds, to compare and to print.
inline std::string text_of(const Bill& bill) {
    std::string text;
    for (const std::int64_t value :
         {bill.attempts, bill.wall_ms, bill.gpu_ms, bill.core_ms, bill.node_ms, bill.billing_ms,
          bill.useful_ms, bill.lost_ms, bill.overhead_ms, bill.suspended_ms})
        text += std::to_string(value) + " ";
    return text + cost_text(bill) + (bill.provisional ? " provisional" : "");
}

inline std::string text_of(const CostAnswer& answer) {
    std::string text;
    for (const CostRow& row : answer.rows) text += row.key + ": " + text_of(row.bill) + "\n";
    return text + "total: " + text_of(answer.total.bill) + "\n" +
           std::to_string(answer.remarks.size()) + " remarks\n";
}

}  // namespace r1::test
