// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/index.h"

#include <utility>

#include "common/error.h"
#include "common/time.h"
#include "slurm/billing/index_files.h"
#include "slurm/billing/index_store.h"

namespace r1 {

namespace {

namespace fs = std::filesystem;

/// One name for one run, however it was asked for.
std::string path_of(const RunDirectory& run) {
    std::error_code error;
    const fs::path path = fs::canonical(run.root(), error);
    return error ? fs::absolute(run.root()).lexically_normal().string() : path.string();
}

}  // namespace

struct CostIndex::Asked {
    struct Run {
        RunDirectory directory;
        std::string path;
        Fingerprint print;
        bool stored = false;
    };
    const CostQuestion& question;
    std::vector<Run> runs;
    Vocabulary words;
    std::optional<CostSum> sum;
    bool damaged = false;

    /// Nothing is known yet.
    void begin() {
        for (Run& run : runs) run.stored = false;
        words = {};
        sum.emplace(question, words);
    }
};

CostAnswer CostIndex::answer(const std::vector<RunDirectory>& runs, const CostQuestion& question,
                             const ReadRuns& read) {
    Asked asked{question, {}, {}, {}, false};
    for (const RunDirectory& run : runs) asked.runs.push_back({run, path_of(run), {}, false});
    asked.begin();
    if (settings_.folder) add_stored(asked);
    const std::vector<ReadRun> found = add_read(asked, read);
    if (settings_.folder && (asked.damaged || !found.empty())) store(asked, found);
    return asked.sum->answer();
}

void CostIndex::add_stored(Asked& asked) {
    const IndexFiles files(*settings_.folder);
    try {
        const FileDescriptor lock = files.lock_shared(settings_.lock_wait_s);
        const IndexFiles::Condition condition = files.condition();
        if (condition == IndexFiles::Condition::kDamaged) throw DatabaseError("it is damaged");
        if (condition == IndexFiles::Condition::kMissing) return;
        IndexReader reader(files.database(), asked.words);
        for (std::size_t place = 0; place < asked.runs.size(); ++place) {
            Asked::Run& run = asked.runs[place];
            const auto known = reader.runs().find(run.path);
            if (known == reader.runs().end()) continue;
            const StoredRun& stored = known->second;
            const int newest = stored.fingerprint.newest_attempt;
            run.stored = fingerprint_of(run.directory, newest).text == stored.fingerprint.text;
            if (!run.stored) continue;
            asked.sum->begin_run(place, stored.name, stored.state);
            reader.add_run(stored, asked.question, *asked.sum);
        }
    } catch (const Error&) {
        throw;
    } catch (const IndexUnusable& e) {
        asked.begin();
        go_without(e.what());
    } catch (const std::exception& e) {
        asked.begin();
        asked.damaged = true;
        log_("the index '" + files.database().string() + "' is made anew: " + e.what());
    }
}

std::vector<ReadRun> CostIndex::add_read(Asked& asked, const ReadRuns& read) {
    std::vector<RunDirectory> wanted;
    std::map<fs::path, std::size_t> places;
    for (std::size_t place = 0; place < asked.runs.size(); ++place) {
        Asked::Run& run = asked.runs[place];
        if (run.stored) continue;
        // Before it is read: what is written from here on makes it stale.
        run.print = fingerprint_of(run.directory, run.directory.newest_attempt());
        places[run.directory.root()] = place;
        wanted.push_back(run.directory);
    }
    if (wanted.empty()) return {};
    std::vector<ReadRun> found = read(wanted);
    for (const ReadRun& one : found) {
        asked.sum->begin_run(places.at(one.run.root()), one.run.run_id(), one.state);
        add_charges(*asked.sum, one.charges, asked.question, asked.words);
    }
    return found;
}

void CostIndex::store(const Asked& asked, const std::vector<ReadRun>& found) {
    std::map<fs::path, const Asked::Run*> by_root;
    for (const Asked::Run& run : asked.runs) by_root[run.directory.root()] = &run;
    const std::int64_t newest_ms = utc_milliseconds() - settings_.settle_ms;
    std::vector<const ReadRun*> settled;
    for (const ReadRun& one : found)
        if (!one.open && by_root.at(one.run.root())->print.newest_ms <= newest_ms)
            settled.push_back(&one);
    if (settled.empty() && !asked.damaged) return;
    const IndexFiles files(*settings_.folder);
    try {
        const FileDescriptor lock = files.lock_alone(settings_.lock_wait_s);
        // It may have been damaged since it was read: no seal is put on what is not known.
        if (asked.damaged || files.condition() == IndexFiles::Condition::kDamaged) files.remove();
        files.break_seal();
        {
            IndexWriter writer(files.database());
            for (const ReadRun* one : settled) {
                const Asked::Run& run = *by_root.at(one->run.root());
                writer.put(run.path, {0, one->run.run_id(), one->state, run.print}, one->charges);
            }
            writer.drop_vanished();
            writer.commit();
        }
        files.write_seal();
    } catch (const std::exception& e) {
        go_without(e.what());
    }
}

void CostIndex::discard() {
    if (!settings_.folder) return;
    try {
        const IndexFiles files(*settings_.folder);
        const FileDescriptor lock = files.lock_alone(settings_.lock_wait_s);
        files.remove();
    } catch (const IndexUnusable& e) {
        go_without(e.what());
    }
}

void CostIndex::go_without(const std::string& reason) {
    log_("works without an index: " + reason);
    settings_.folder.reset();
}

}  // namespace r1
