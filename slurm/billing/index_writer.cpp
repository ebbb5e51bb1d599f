// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "slurm/billing/index_store.h"

namespace r1 {

namespace {

namespace fs = std::filesystem;

std::optional<std::int64_t> micros(const std::optional<HourlyPrice>& price) {
    return price ? std::optional(price->micros) : std::nullopt;
}

/// A charge without length takes up the moment at which it is.
std::int64_t end_of(std::int64_t start_ms, std::int64_t end_ms) {
    return std::max(end_ms, start_ms + 1);
}

bool has_vanished(const fs::path& path) {
    std::error_code ignored;
    return !fs::is_directory(path, ignored) && fs::is_directory(path.parent_path(), ignored);
}

}  // namespace

IndexWriter::IndexWriter(const fs::path& path)
    : database_(open_index(path, Database::Mode::kWrite)),
      vocabulary_(read_vocabulary(database_)),
      known_texts_(vocabulary_.texts()),
      known_rates_(vocabulary_.rates()),
      known_kinds_(vocabulary_.kinds()),
      run_(database_.prepare("INSERT INTO runs(path, name, state, newest_attempt, fingerprint) "
                             "VALUES(?,?,?,?,?) RETURNING number")),
      block_(database_.prepare("INSERT INTO blocks VALUES(?,?,?,?)")),
      total_(database_.prepare("INSERT INTO totals VALUES(?,?,?,?,?,?,?,?,?,?,?,?)")),
      charge_(database_.prepare("INSERT INTO charges VALUES(?,?,?,?,?,?,?)")),
      segment_(database_.prepare("INSERT INTO segments VALUES(?,?,?,?,?,?,?,?)")) {
    database_.run("BEGIN");
}

void IndexWriter::drop(std::int64_t run) {
    for (const char* table : {"blocks", "totals", "charges", "segments", "remarks"})
        database_.prepare(std::string("DELETE FROM ") + table + " WHERE run = ?").bind(run).run();
    database_.prepare("DELETE FROM runs WHERE number = ?").bind(run).run();
}

void IndexWriter::put(const std::string& path, const StoredRun& run,
                      const std::vector<Charge>& charges) {
    Statement known = database_.prepare("SELECT number FROM runs WHERE path = ?");
    known.bind(path);
    if (known.step()) drop(known.number(0));
    run_.bind(path, run.name, run.state, run.fingerprint.newest_attempt, run.fingerprint.text);
    std::int64_t number = 0;
    while (run_.step()) number = run_.number(0);
    std::vector<NumberedCharge> made;
    for (const Charge& charge : charges)
        if (charge.refused.empty()) made.push_back(numbered(charge, vocabulary_));
    std::stable_sort(
        made.begin(), made.end(),
        [](const NumberedCharge& a, const NumberedCharge& b) { return a.start_ms < b.start_ms; });
    std::int64_t block = 0;
    for (std::size_t from = 0; from < made.size(); from += kChargesOfBlock)
        put_block(number, block++, made, from);
    put_remarks(number, charges);
}

void IndexWriter::put_block(std::int64_t run, std::int64_t block,
                            const std::vector<NumberedCharge>& all, std::size_t from) {
    Totals totals;
    const std::int64_t start = all[from].start_ms;
    std::int64_t end = start;
    for (std::size_t i = from; i < std::min(all.size(), from + kChargesOfBlock); ++i) {
        const NumberedCharge& charge = all[i];
        const auto n = static_cast<std::int64_t>(i - from);
        end = std::max(end, end_of(charge.start_ms, charge.end_ms));
        charge_.bind(run, block, n, charge.kind, charge.start_ms, charge.end_ms - charge.start_ms,
                     charge.suspended_ms);
        charge_.run();
        int place = 0;
        for (const NumberedSegment& segment : charge.segments) {
            segment_.bind(run, block, n, place++, static_cast<int>(segment.work), segment.stage,
                          segment.rate, segment.end_ms - segment.start_ms);
            segment_.run();
        }
        add_totals(totals, charge, vocabulary_, std::numeric_limits<std::int64_t>::min(),
                   std::numeric_limits<std::int64_t>::max());
    }
    block_.bind(run, block, start, end);
    block_.run();
    int n = 0;
    for (const auto& [key, sums] : totals) {
        total_.bind(run, block, n++, key.kind, static_cast<int>(key.work), key.stage, key.month,
                    key.rate, sums.attempts, sums.stage_attempts, sums.wall_ms, sums.suspended_ms);
        total_.run();
    }
}

void IndexWriter::put_remarks(std::int64_t run, const std::vector<Charge>& charges) {
    Statement row = database_.prepare("INSERT INTO remarks VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
    int n = 0;
    for (const Charge& charge : charges) {
        const auto remark = remark_of(charge);
        if (!remark) continue;
        const Disagreement both = remark->disagreement.value_or(Disagreement{});
        const auto own = remark->disagreement ? std::optional(both.own_ms) : std::nullopt;
        const auto other = remark->disagreement ? std::optional(both.other_ms) : std::nullopt;
        row.bind(run, n++, vocabulary_.number_of(charge.user),
                 vocabulary_.number_of(charge.account), charge.start_ms,
                 end_of(charge.start_ms, charge.end_ms), remark->attempt, remark->job,
                 remark->refused, own, other, both.reason);
        row.run();
    }
}

void IndexWriter::drop_vanished() {
    std::vector<std::int64_t> vanished;
    Statement runs = database_.prepare("SELECT number, path FROM runs");
    while (runs.step())
        if (has_vanished(runs.text(1))) vanished.push_back(runs.number(0));
    for (const std::int64_t run : vanished) drop(run);
}

void IndexWriter::put_words() {
    Statement text = database_.prepare("INSERT INTO texts VALUES(?,?)");
    for (int i = known_texts_; i < vocabulary_.texts(); ++i)
        text.bind(i, vocabulary_.text(i)).run();
    Statement rate = database_.prepare("INSERT INTO rates VALUES(?,?,?,?,?,?,?)");
    for (int i = known_rates_; i < vocabulary_.rates(); ++i) {
        const Rate& one = vocabulary_.rate(i);
        rate.bind(i, one.name, one.currency, micros(one.per_gpu_hour), micros(one.per_core_hour),
                  micros(one.per_node_hour), micros(one.per_billing_hour));
        rate.run();
    }
    Statement kind = database_.prepare("INSERT INTO kinds VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    for (int i = known_kinds_; i < vocabulary_.kinds(); ++i) {
        const ChargeKind& one = vocabulary_.kind(i);
        const Allocation& allocated = one.allocated;
        kind.bind(i, one.recipe, one.user, one.account, one.cluster, one.partition, one.gpu_type,
                  one.gpus_from, static_cast<int>(one.source), one.provisional ? 1 : 0,
                  allocated.gpus, allocated.nodes, allocated.cores, allocated.billing);
        kind.run();
    }
}

void IndexWriter::commit() {
    put_words();
    database_.run("COMMIT");
}

}  // namespace r1
