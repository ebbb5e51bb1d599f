// SPDX-License-Identifier: Apache-2.0
// The tables of the index, and what is written into and read from them. The charges of a run are
// kept in blocks of those that began one after another, with the sums of each block: only blocks
// that a window cuts are looked at charge by charge.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "slurm/billing/cost_answer.h"
#include "slurm/billing/database.h"
#include "slurm/billing/fingerprint.h"
#include "slurm/billing/vocabulary.h"

namespace r1 {

struct StoredRun {
    std::int64_t number = 0;
    std::string name;
    std::string state;
    Fingerprint fingerprint;
};

/// By the paths of the runs.
using StoredRuns = std::map<std::string, StoredRun>;

inline constexpr std::int64_t kIndexSchema = 1;
inline constexpr std::size_t kChargesOfBlock = 64;

/// What is in an index. Throws DatabaseError when it cannot be read, or is of another schema.
class IndexReader {
  public:
    /// `words` outlives this, and holds afterwards what the index has.
    IndexReader(const std::filesystem::path& database, Vocabulary& words);
    const StoredRuns& runs() const { return runs_; }
    /// All of a run that the question's window holds.
    void add_run(const StoredRun& run, const CostQuestion& question, CostSum& sum);

  private:
    void add_cut_block(std::int64_t run, std::int64_t block, const CostQuestion& question,
                       Totals& totals);
    void add_remarks(const StoredRun& run, const CostQuestion& question, CostSum& sum);

    Database database_;
    StoredRuns runs_;
    Vocabulary& words_;
    Statement blocks_;
    Statement totals_;
    Statement charges_;
    Statement segments_;
    Statement remarks_;
};

/// One transaction. What was put is in the file after commit().
class IndexWriter {
  public:
    /// Makes the tables if there are none.
    explicit IndexWriter(const std::filesystem::path& database);
    /// In place of what was known of the run at this path.
    void put(const std::string& path, const StoredRun& run, const std::vector<Charge>& charges);
    /// Forgets runs that are gone, while the folder that they were in is there.
    void drop_vanished();
    void commit();

  private:
    void drop(std::int64_t run);
    void put_block(std::int64_t run, std::int64_t block, const std::vector<NumberedCharge>& all,
                   std::size_t from);
    void put_remarks(std::int64_t run, const std::vector<Charge>& charges);
    void put_words();

    Database database_;
    Vocabulary vocabulary_;
    int known_texts_ = 0;  ///< those that the file has
    int known_rates_ = 0;
    int known_kinds_ = 0;
    Statement run_;
    Statement block_;
    Statement total_;
    Statement charge_;
    Statement segment_;
};

/// Opens an index, with its tables made or checked. Throws DatabaseError.
Database open_index(const std::filesystem::path& database, Database::Mode mode);
/// The numbers as they are in the file.
Vocabulary read_vocabulary(Database& database);

}  // namespace r1
