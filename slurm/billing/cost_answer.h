// SPDX-License-Identifier: Apache-2.0
// What can be asked about the bills of many runs, and the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "slurm/billing/bill.h"
#include "slurm/billing/totals.h"

namespace r1 {

enum class CostKey { kRun, kUser, kRecipe, kStage, kPartition, kGpu, kMonth, kAccount };

struct CostQuestion {
    CostKey by = CostKey::kRun;
    std::int64_t since_ms = std::numeric_limits<std::int64_t>::min();
    std::int64_t until_ms = std::numeric_limits<std::int64_t>::max();  ///< not part of it
    std::string user;                                                  ///< empty: everybody
    std::string account;                                               ///< empty: all
    bool asks_for_all() const;                                         ///< no window and no filter
};

struct CostRow {
    std::string key;    ///< run id, user, …; "202611" of months; empty where it is not known
    std::string state;  ///< of a run; empty in rows of other keys
    /// Of rows by stage, `attempts` counts an attempt in each stage that it worked on. By month, it
    /// is counted where it begins.
    Bill bill;
    std::int64_t runs = 0;
    std::set<std::string> recipes;
    std::set<std::string> gpu_types;
    std::set<std::int64_t> gpus;
    std::set<std::string> gpus_from;
    std::set<ChargeSource> sources;
    std::vector<Rate> rates;
};

/// What a reader should know about one charge.
struct CostRemark {
    std::string run;
    int attempt = 0;
    std::int64_t job = 0;
    std::optional<Disagreement> disagreement;
    std::string refused;
};

struct CostAnswer {
    std::vector<CostRow> rows;  ///< runs as they were asked for, others by their key
    CostRow total;
    std::vector<CostRemark> remarks;
};

/// Adds up. All of one run is given between two calls of begin_run(), in any order of the runs.
class CostSum {
  public:
    /// Both outlive this.
    CostSum(const CostQuestion& question, const Vocabulary& vocabulary)
        : question_(question), vocabulary_(vocabulary) {}

    /// `place` is where its row stands among the runs.
    void begin_run(std::size_t place, const std::string& name, const std::string& state);
    /// Of the question's time; kinds that the filter leaves out are left out here.
    void add(const Totals& totals);
    void add(const TotalKey& key, const TotalSums& sums);
    /// For charges of a kind that the filter lets through.
    void add(const CostRemark& remark) { remarks_.push_back(remark); }
    bool asks_for(const ChargeKind& kind) const;
    CostAnswer answer();

  private:
    struct Sum {
        CostRow row;
        std::int64_t last_run = -1;
        std::set<int> kinds;
        std::set<int> rates;
        /// Of what came last: most totals are like the one before.
        int last_kind = -1;
        int last_rate = -1;
    };
    std::int64_t number_of_key(const TotalKey& key) const;
    std::string name_of_key(std::int64_t number) const;
    void add_to(Sum& sum, const TotalKey& key, const TotalSums& sums, std::int64_t attempts);
    CostRow finished(Sum& sum) const;

    const CostQuestion& question_;
    const Vocabulary& vocabulary_;
    std::int64_t run_ = 0;
    std::map<std::int64_t, std::pair<std::string, std::string>> runs_;  ///< name and state
    std::map<std::int64_t, Sum> sums_;
    Sum total_;
    std::vector<CostRemark> remarks_;
};

/// Charges that are in no index: of runs that go on, and of other jobs.
void add_charges(CostSum& sum, const std::vector<Charge>& charges, const CostQuestion& question,
                 Vocabulary& vocabulary);

/// Of a charge that was refused, or whose sources differ.
std::optional<CostRemark> remark_of(const Charge& charge);

}  // namespace r1
