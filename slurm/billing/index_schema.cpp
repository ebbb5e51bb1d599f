// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/index_store.h"

namespace r1 {

namespace {

constexpr std::int64_t kApplication = 0x7231;  // "r1"

/// Rows lie in the order in which they are read: nothing is sorted, and each run is one range. All
/// sums are made in C++: SUM() of SQLite fails where 64 bits are not enough, and says less. The
/// whole file is hashed for each answer, so it is kept small: segments follow each other without a
/// gap.
constexpr const char* kTables = R"(
CREATE TABLE texts(number INTEGER PRIMARY KEY, text TEXT NOT NULL);
INSERT INTO texts VALUES(0, '');
CREATE TABLE rates(number INTEGER PRIMARY KEY, name TEXT NOT NULL, currency TEXT NOT NULL,
    per_gpu INTEGER, per_core INTEGER, per_node INTEGER, per_billing INTEGER);
CREATE TABLE kinds(number INTEGER PRIMARY KEY, recipe INTEGER NOT NULL, user INTEGER NOT NULL,
    account INTEGER NOT NULL, cluster INTEGER NOT NULL, partition INTEGER NOT NULL,
    gpu_type INTEGER NOT NULL, gpus_from INTEGER NOT NULL, source INTEGER NOT NULL,
    provisional INTEGER NOT NULL, gpus INTEGER NOT NULL, nodes INTEGER NOT NULL,
    cores INTEGER NOT NULL, billing INTEGER NOT NULL);
CREATE TABLE runs(number INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    state TEXT NOT NULL, newest_attempt INTEGER NOT NULL, fingerprint TEXT NOT NULL);
CREATE TABLE blocks(run INTEGER, block INTEGER, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    PRIMARY KEY(run, block)) WITHOUT ROWID;
CREATE TABLE totals(run INTEGER, block INTEGER, n INTEGER, kind INTEGER NOT NULL,
    work INTEGER NOT NULL, stage INTEGER NOT NULL, month INTEGER NOT NULL, rate INTEGER NOT NULL,
    attempts INTEGER NOT NULL, stage_attempts INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
    suspended_ms INTEGER NOT NULL, PRIMARY KEY(run, block, n)) WITHOUT ROWID;
CREATE TABLE charges(run INTEGER, block INTEGER, n INTEGER, kind INTEGER NOT NULL,
    start_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL, suspended_ms INTEGER NOT NULL,
    PRIMARY KEY(run, block, n)) WITHOUT ROWID;
CREATE TABLE segments(run INTEGER, block INTEGER, charge INTEGER, n INTEGER, work INTEGER NOT NULL,
    stage INTEGER NOT NULL, rate INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
    PRIMARY KEY(run, block, charge, n)) WITHOUT ROWID;
CREATE TABLE remarks(run INTEGER, n INTEGER, user INTEGER NOT NULL, account INTEGER NOT NULL,
    start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, attempt INTEGER NOT NULL,
    job INTEGER NOT NULL, refused TEXT NOT NULL, own_ms INTEGER, other_ms INTEGER,
    reason TEXT NOT NULL, PRIMARY KEY(run, n)) WITHOUT ROWID;
)";

std::optional<HourlyPrice> price(const Statement& row, int column) {
    const auto micros = row.number_or_null(column);
    return micros ? std::optional(HourlyPrice{*micros}) : std::nullopt;
}

void check_number(int expected, int found) {
    if (expected != found) throw DatabaseError("its words are not in order");
}

void make_tables(Database& database) {
    database.run(kTables);
    database.run(("PRAGMA application_id = " + std::to_string(kApplication)).c_str());
    database.run(("PRAGMA user_version = " + std::to_string(kIndexSchema)).c_str());
}

}  // namespace

Database open_index(const std::filesystem::path& path, Database::Mode mode) {
    Database database(path, mode);
    if (mode == Database::Mode::kWrite) {
        // A crash breaks the seal, and the index is made anew: no journal and no fsync save it.
        database.run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;");
        if (database.pragma("schema_version") == 0) make_tables(database);
    }
    database.run("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;");
    if (database.pragma("application_id") != kApplication ||
        database.pragma("user_version") != kIndexSchema)
        throw DatabaseError("it is of another version of r1ctl");
    return database;
}

Vocabulary read_vocabulary(Database& database) {
    Vocabulary words;
    Statement texts = database.prepare("SELECT number, text FROM texts ORDER BY number");
    while (texts.step()) check_number(texts.small(0), words.number_of(texts.text(1)));
    Statement rates = database.prepare("SELECT * FROM rates ORDER BY number");
    while (rates.step())
        check_number(rates.small(0),
                     words.number_of(Rate{rates.text(1), rates.text(2), price(rates, 3),
                                          price(rates, 4), price(rates, 5), price(rates, 6)}));
    Statement kinds = database.prepare("SELECT * FROM kinds ORDER BY number");
    while (kinds.step()) {
        ChargeKind kind{kinds.small(1),
                        kinds.small(2),
                        kinds.small(3),
                        kinds.small(4),
                        kinds.small(5),
                        kinds.small(6),
                        kinds.small(7),
                        static_cast<ChargeSource>(kinds.small(8)),
                        kinds.number(9) != 0,
                        {kinds.number(10), kinds.number(11), kinds.number(12), kinds.number(13)}};
        check_number(kinds.small(0), words.number_of(kind));
    }
    return words;
}

}  // namespace r1
