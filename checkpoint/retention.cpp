// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <system_error>

#include "checkpoint/commit.h"
#include "checkpoint/manifest.h"
#include "checkpoint/process.h"
#include "common/error.h"
#include "common/file.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

// The writer's pid at the end of ".tmp-…-<pid>" or ".trash-…-<pid>"; nullopt for another name.
std::optional<std::int64_t> writer_of(const std::string& name) {
    if (!name.starts_with(".tmp-") && !name.starts_with(".trash-")) return std::nullopt;
    const char* const end = name.data() + name.size();
    const char* const begin = name.data() + name.rfind('-') + 1;
    std::int64_t pid = 0;
    const auto parsed = std::from_chars(begin, end, pid);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return pid;
}

void remove_left_behind(const fs::path& checkpoints) {
    std::vector<fs::path> stale;
    std::error_code error;
    for (fs::directory_iterator it(checkpoints, error), end; !error && it != end;
         it.increment(error)) {
        const auto pid = writer_of(it->path().filename().string());
        // This process is not inside a save, so what bears its pid is left from a killed one.
        if (pid && (*pid == ::getpid() || !process_start_ticks(*pid))) stale.push_back(it->path());
    }
    for (const fs::path& path : stale) fs::remove_all(path, error);
}

// Gone by its name first: a killed removal leaves no half checkpoint.
void remove_checkpoint(const fs::path& checkpoints, std::int64_t step) {
    const fs::path from = checkpoints / checkpoint_name(step);
    const fs::path trash =
        checkpoints / (".trash-" + checkpoint_name(step) + "-" + std::to_string(::getpid()));
    if (::rename(from.c_str(), trash.c_str()) != 0) throw_system_error("remove", from.string());
    std::error_code ignored;
    fs::remove_all(trash, ignored);
}

}  // namespace

void retain_checkpoints(const fs::path& checkpoints, std::int64_t keep_last) {
    remove_left_behind(checkpoints);
    const std::vector<std::int64_t> steps = list_checkpoints(checkpoints);
    std::vector<std::int64_t> surplus;
    std::int64_t readable = 0;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        bool keep = false;
        bool counts = true;
        try {
            keep = read_manifest(checkpoints / checkpoint_name(*step)).keep;
        } catch (const Error&) {
            counts = false;  // a damaged one takes no other's place
        }
        if (readable >= keep_last && !keep) surplus.push_back(*step);
        if (counts) ++readable;
    }
    if (surplus.empty()) return;
    std::vector<Rejected> ignored;
    const std::optional<std::int64_t> newest = latest_verified(checkpoints, ignored);
    if (!newest) return;  // nothing verifies: nothing is thrown away
    for (const std::int64_t step : surplus)
        if (step != *newest) remove_checkpoint(checkpoints, step);
    sync_folder(checkpoints);
}

}  // namespace r1
