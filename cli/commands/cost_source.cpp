// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/cost_source.h"

#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "cli/known_clusters.h"
#include "common/file.h"
#include "common/time.h"
#include "slurm/billing/sacct_file.h"

namespace r1::cli {

namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

/// Without a cluster file the jobs are counted all the same, unpriced.
CostSection prices_of_cluster(const std::string& wanted) {
    if (profile_files().empty() && wanted.empty()) return {};
    return frozen_prices({}, choose_cluster(known_clusters(), wanted));
}

}  // namespace

std::vector<RunDirectory> asked_runs(const CostOptions& options) {
    if (options.wanted.empty()) return list_runs(options.runs);
    std::vector<RunDirectory> runs;
    std::set<std::filesystem::path> known;
    for (const std::string& name : options.wanted) {
        const RunDirectory run = find_run(options.runs, name);
        if (known.insert(std::filesystem::weakly_canonical(run.root())).second) runs.push_back(run);
    }
    return runs;
}

std::vector<Charge> read_sacct(const CostOptions& options) {
    const CostSection prices = prices_of_cluster(options.cluster);
    const bool piped = options.sacct == "-";
    const std::string text = piped ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                                   : read_file(options.sacct, kMostBytes);
    return charges_of_sacct(text, piped ? "stdin" : options.sacct, prices, utc_milliseconds());
}

CostAnswer answer_of(const std::vector<Charge>& charges, const CostQuestion& question) {
    std::map<std::string, std::size_t> places;
    std::vector<std::vector<Charge>> jobs;
    for (const Charge& charge : charges) {
        const auto [found, is_new] = places.try_emplace(charge.run, jobs.size());
        if (is_new) jobs.emplace_back();
        jobs[found->second].push_back(charge);
    }
    Vocabulary words;
    CostSum sum(question, words);
    for (std::size_t place = 0; place < jobs.size(); ++place) {
        sum.begin_run(place, jobs[place].front().run, jobs[place].back().state);
        add_charges(sum, jobs[place], question, words);
    }
    return sum.answer();
}

}  // namespace r1::cli
