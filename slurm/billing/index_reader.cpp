// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/calendar.h"
#include "slurm/billing/index_store.h"

namespace r1 {

namespace {

Work work_at(const Statement& row, int column) {
    return static_cast<Work>(row.small(column));
}

}  // namespace

IndexReader::IndexReader(const std::filesystem::path& path, Vocabulary& words)
    : database_(open_index(path, Database::Mode::kRead)),
      words_(words),
      blocks_(database_.prepare("SELECT block, start_ms, end_ms FROM blocks WHERE run = ?")),
      totals_(database_.prepare("SELECT kind, work, stage, month, rate, attempts, stage_attempts, "
                                "wall_ms, suspended_ms FROM totals WHERE run = ? AND block = ?")),
      charges_(database_.prepare("SELECT n, kind, start_ms, wall_ms, suspended_ms FROM charges "
                                 "WHERE run = ? AND block = ?")),
      segments_(database_.prepare("SELECT work, stage, rate, wall_ms FROM segments "
                                  "WHERE run = ? AND block = ? AND charge = ?")),
      remarks_(database_.prepare("SELECT * FROM remarks WHERE run = ?")) {
    words_ = read_vocabulary(database_);
    Statement runs = database_.prepare("SELECT * FROM runs");
    while (runs.step())
        runs_[runs.text(1)] = {
            runs.number(0), runs.text(2), runs.text(3), {runs.small(4), runs.text(5), 0}};
}

void IndexReader::add_run(const StoredRun& run, const CostQuestion& question, CostSum& sum) {
    Totals cut;
    blocks_.bind(run.number);
    while (blocks_.step()) {
        const std::int64_t block = blocks_.number(0);
        const std::int64_t start = blocks_.number(1);
        const std::int64_t end = blocks_.number(2);
        if (end <= question.since_ms || start >= question.until_ms) continue;
        if (start < question.since_ms || end > question.until_ms) {
            add_cut_block(run.number, block, question, cut);
            continue;
        }
        totals_.bind(run.number, block);
        while (totals_.step())
            sum.add({totals_.small(0), work_at(totals_, 1), totals_.small(2), totals_.small(3),
                     totals_.small(4)},
                    {totals_.number(5), totals_.number(6), totals_.number(7), totals_.number(8)});
    }
    sum.add(cut);
    add_remarks(run, question, sum);
}

void IndexReader::add_cut_block(std::int64_t run, std::int64_t block, const CostQuestion& question,
                                Totals& totals) {
    charges_.bind(run, block);
    while (charges_.step()) {
        NumberedCharge charge;
        charge.kind = charges_.small(1);
        charge.start_ms = charges_.number(2);
        charge.end_ms = charge.start_ms + charges_.number(3);
        charge.suspended_ms = charges_.number(4);
        std::int64_t start = charge.start_ms;
        segments_.bind(run, block, charges_.number(0));
        while (segments_.step()) {
            const std::int64_t end = start + segments_.number(3);
            charge.segments.push_back({work_at(segments_, 0), segments_.small(1),
                                       number_of(month_at(start)), segments_.small(2), start, end});
            start = end;
        }
        add_totals(totals, charge, words_, question.since_ms, question.until_ms);
    }
}

void IndexReader::add_remarks(const StoredRun& run, const CostQuestion& question, CostSum& sum) {
    remarks_.bind(run.number);
    while (remarks_.step()) {
        ChargeKind kind;
        kind.user = remarks_.small(2);
        kind.account = remarks_.small(3);
        const bool within =
            remarks_.number(4) < question.until_ms && remarks_.number(5) > question.since_ms;
        if (!within || !sum.asks_for(kind)) continue;
        CostRemark remark;
        remark.run = run.name;
        remark.attempt = remarks_.small(6);
        remark.job = remarks_.number(7);
        remark.refused = remarks_.text(8);
        if (const auto own_ms = remarks_.number_or_null(9))
            remark.disagreement = {*own_ms, remarks_.number(10), remarks_.text(11)};
        sum.add(remark);
    }
}

}  // namespace r1
