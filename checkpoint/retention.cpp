// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/retention.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>
#include <system_error>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/commit.h"
#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/file.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

bool is_left_behind(const std::string& name) {
    return name.starts_with(".tmp-step-") || name.starts_with(".trash-step-") ||
           name.starts_with("r1-skeleton-");  // a ShortNamedFile
}

// Of a checkpoint whose manifest cannot be read, nobody knows what belongs to it.
void find_strays(const fs::path& checkpoint, std::vector<fs::path>& strays) {
    std::error_code error;
    if (!fs::is_directory(fs::symlink_status(checkpoint, error))) return;
    std::set<std::string> named;
    try {
        for (const FileEntry& file : read_manifest(checkpoint).files) named.insert(file.name);
    } catch (const Error&) {
        return;
    }
    for (fs::directory_iterator it(checkpoint, error), end; !error && it != end;
         it.increment(error)) {
        const std::string name = it->path().filename().string();
        const bool is_ours =
            name.ends_with(".h5") || name.starts_with(std::string(".") + kManifestName + ".");
        std::error_code ignored;
        if (is_ours && !named.contains(name) && !fs::is_directory(it->symlink_status(ignored)))
            strays.push_back(it->path());
    }
}

std::vector<fs::path> find_leftovers(const fs::path& checkpoints) {
    std::vector<fs::path> found;
    std::error_code error;
    for (fs::directory_iterator it(checkpoints, error), end; !error && it != end;
         it.increment(error))
        if (is_left_behind(it->path().filename().string())) found.push_back(it->path());
    for (const std::int64_t step : list_checkpoints(checkpoints))
        find_strays(checkpoints / checkpoint_name(step), found);
    return found;
}

// Keeps the first problem of many removals.
class Removals {
  public:
    void remove(const fs::path& path) {
        std::error_code error;
        fs::remove_all(path, error);
        if (error) failed(path, error);
    }
    void failed(const fs::path& path, const std::error_code& error) {
        if (first_.empty())
            first_ = "cannot remove '" + path.string() + "': " + error.message() +
                     "; it takes room until it can be removed";
    }
    void throw_first() const {
        if (!first_.empty()) throw Error(ExitCode::kRunFailed, first_);
    }

  private:
    std::string first_;
};

// The name goes first, for all: a removal that is killed leaves no half checkpoint, and after a
// power cut none comes back without its files.
void remove_checkpoints(const fs::path& checkpoints, const std::vector<std::int64_t>& steps,
                        Removals& removals) {
    std::vector<fs::path> trash;
    for (const std::int64_t step : steps) {
        const std::string name = checkpoint_name(step);
        const fs::path to = unused_trash(checkpoints, name);
        if (::rename((checkpoints / name).c_str(), to.c_str()) == 0)
            trash.push_back(to);
        else
            removals.failed(checkpoints / name, {errno, std::generic_category()});
    }
    if (trash.empty()) return;
    sync_folder(checkpoints);
    for (const fs::path& path : trash) removals.remove(path);
}

}  // namespace

void remove_leftovers(const fs::path& checkpoints) {
    const std::vector<fs::path> leftovers = find_leftovers(checkpoints);
    std::set<fs::path> folders;
    for (const fs::path& path : leftovers) folders.insert(path.parent_path());
    for (const fs::path& folder : folders) sync_folder(folder);
    Removals removals;
    for (const fs::path& path : leftovers) removals.remove(path);
    removals.throw_first();
}

Retention::Retention(fs::path checkpoints, RetentionPolicy policy)
    : checkpoints_(std::move(checkpoints)), policy_(std::move(policy)) {}

void Retention::resumed_from(std::int64_t step) {
    resumed_from_ = step;
    look(list_checkpoints(checkpoints_));
    if (const auto known = known_.find(step); known != known_.end()) known->second.examined = true;
}

std::vector<std::int64_t> Retention::plan(std::stop_token stop) {
    look(list_checkpoints(checkpoints_));
    std::vector<std::int64_t> steps = surplus(facts(), policy_, resumed_from_);
    bool sure = false;
    while (!steps.empty() && !sure) {
        sure = true;
        for (const std::int64_t step : relied_on(facts(), policy_, resumed_from_)) {
            if (known_.at(step).examined) continue;
            examine(step, stop);
            if (stop.stop_requested()) return {};
            if (known_.at(step).fact.verified) continue;
            sure = false;  // another one fills its place
            break;
        }
        steps = surplus(facts(), policy_, resumed_from_);
    }
    if (stop.stop_requested()) return {};
    return steps;
}

void Retention::apply(std::stop_token stop) {
    Removals removals;
    remove_checkpoints(checkpoints_, plan(stop), removals);
    removals.throw_first();
}

// Brings what is known up to date with what lies on the disk.
void Retention::look(const std::vector<std::int64_t>& steps) {
    std::map<std::int64_t, Known> now;
    for (const std::int64_t step : steps) {
        const fs::path checkpoint = checkpoints_ / checkpoint_name(step);
        Known known;
        known.fact.step = step;
        struct stat status {};
        if (::lstat((checkpoint / kManifestName).c_str(), &status) == 0)
            known.identity = {status.st_ino,
                              status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec,
                              static_cast<std::uint64_t>(status.st_size)};
        const auto before = known_.find(step);
        if (before != known_.end() && before->second.identity == known.identity) {
            now.emplace(step, before->second);
            continue;
        }
        try {
            const Manifest manifest = read_manifest(checkpoint);
            known.fact.verified = manifest.step == step;
            known.fact.keep = manifest.keep;
            if (const auto metric = manifest.metrics.find(policy_.best_metric);
                metric != manifest.metrics.end())
                known.fact.metric = metric->second;
        } catch (const Error&) {
            known.fact.verified = false;
        }
        known.examined = !known.fact.verified;
        now.emplace(step, known);
    }
    known_ = std::move(now);
}

void Retention::examine(std::int64_t step, std::stop_token stop) {
    const fs::path checkpoint = checkpoints_ / checkpoint_name(step);
    Known& known = known_.at(step);
    try {
        VerifyOptions options;
        options.stop = stop;
        known.fact.verified = find_damage(checkpoint, read_manifest(checkpoint), options).empty();
    } catch (const Error&) {
        known.fact.verified = false;
    }
    known.examined = !stop.stop_requested();
}

std::vector<RetentionFact> Retention::facts() const {
    std::vector<RetentionFact> list;
    for (const auto& [step, known] : known_) list.push_back(known.fact);
    return list;
}

}  // namespace r1
