// SPDX-License-Identifier: Apache-2.0
// r1_bench_cost_index FOLDER RUNS ATTEMPTS: runs as folders, their index, and the same segments as
// CSV, for bench/cost_index.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "common/time.h"
#include "slurm/billing/index_files.h"
#include "slurm/billing/index_store.h"

namespace {

constexpr std::int64_t kStart = 1'767'225'600'000;  // 2026-01-01
constexpr std::int64_t kHour = 3'600'000;

r1::RateSchedule prices() {
    r1::CostSection section;
    section.currency = "USD";
    r1::PriceRow row;
    row.currency = "USD";
    for (const auto& [from, price] : {std::pair{"", "2.00"}, std::pair{"2026-03-01", "2.50"}}) {
        row.name = row.effective_from = from;
        row.per_gpu_hour = r1::parse_hourly_price(price);
        section.prices.push_back(row);
    }
    return r1::rates_of(section, "", "");
}

/// Attempts one after another from a day of the first half year on, each with a start-up, work that
/// was kept and work that was lost.
std::vector<r1::Charge> charges_of_run(const std::string& id, int number, int attempts,
                                       const r1::RateSchedule& rates) {
    std::vector<r1::Charge> charges;
    std::int64_t at = kStart + (number % 180) * 24 * kHour;
    for (int i = 0; i < attempts; ++i) {
        r1::Charge charge;
        charge.run = id;
        charge.recipe = "recipe" + std::to_string(number % 20);
        charge.user = "user" + std::to_string(number % 50);
        charge.account = "account" + std::to_string(number % 7);
        charge.partition = number % 3 == 0 ? "west" : "east";
        charge.gpu_type = number % 2 == 0 ? "h800" : "a100";
        charge.attempt = i + 1;
        charge.state = "completed";
        charge.allocated = {8 << (number % 4), 1 << (number % 4), 64, -1};
        charge.start_ms = at;
        charge.end_ms = at + kHour / 4 + (i * 7919 + number * 104'729) % kHour;
        const std::int64_t kept = charge.end_ms - 60'000;
        const std::string stage = i < attempts / 2 ? "sft" : "rl";
        charge.pieces = {{r1::Work::kOverhead, "", at, at + 30'000},
                         {r1::Work::kUseful, stage, at + 30'000, kept},
                         {r1::Work::kLost, stage, kept, charge.end_ms}};
        charge.rates = rates;
        charge.source = r1::ChargeSource::kAccounting;
        at = charge.end_ms + 60'000;
        charges.push_back(std::move(charge));
    }
    return charges;
}

void write_csv(const std::vector<r1::Charge>& charges, std::FILE* csv) {
    for (const r1::Charge& charge : charges)
        for (const r1::Segment& segment : r1::segments_of(charge))
            std::fprintf(csv, "%s,%s,%d,%s,%d,%lld,%lld,%lld,%lld\n", charge.run.c_str(),
                         charge.user.c_str(), static_cast<int>(segment.work), segment.stage.c_str(),
                         segment.month, static_cast<long long>(charge.allocated.gpus),
                         static_cast<long long>(segment.rate->per_gpu_hour->micros),
                         static_cast<long long>(segment.start_ms),
                         static_cast<long long>(segment.end_ms));
}

r1::RunDirectory make_run(const std::filesystem::path& runs, const std::string& id, int attempts) {
    const r1::RunDirectory run(runs / id);
    std::filesystem::create_directories(run.attempt(attempts));
    std::ofstream(run.recipe()) << "name: bench\n";
    std::ofstream(run.summary()) << "{\"schema\": 1}\n";
    return run;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: r1_bench_cost_index FOLDER RUNS ATTEMPTS\n";
        return 2;
    }
    const std::filesystem::path folder = std::filesystem::absolute(argv[1]);
    const int runs = std::stoi(argv[2]);
    const int attempts = std::stoi(argv[3]);
    const r1::IndexFiles files(folder / "state" / "r1ctl");
    const r1::FileDescriptor lock = files.lock_alone(1);
    const r1::RateSchedule rates = prices();
    std::FILE* const csv = std::fopen((folder / "segments.csv").c_str(), "w");
    if (csv == nullptr) return 1;
    double stored = 0;
    {
        r1::IndexWriter writer(files.database());
        for (int i = 0; i < runs; ++i) {
            const std::string id = "bench-20260101-000000-" + std::to_string(100'000 + i);
            const r1::RunDirectory run = make_run(folder / "runs", id, attempts);
            const auto charges = charges_of_run(id, i, attempts, rates);
            write_csv(charges, csv);
            const double begin = r1::monotonic_seconds();
            writer.put(std::filesystem::canonical(run.root()).string(),
                       {0, id, "completed", r1::fingerprint_of(run, attempts)}, charges);
            stored += r1::monotonic_seconds() - begin;
        }
        writer.commit();
    }
    std::fclose(csv);
    files.write_seal();
    std::cout << runs * attempts << " attempts stored in " << stored << " s, "
              << std::filesystem::file_size(files.database()) / 1'000'000 << " MB\n";
}
