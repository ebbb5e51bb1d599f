// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/run_directory.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTimeLength = 15;  // "20261121-202601"
constexpr std::size_t kSuffixLength = 6;
constexpr std::size_t kMostNear = 3;

// A folder without its recipe is a run whose creation was killed: it is no run.
bool is_run(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_regular_file(folder / "recipe.yaml", ignored);
}

// The UTC time in a run's id; empty when the id has none.
std::string time_in_id(const std::string& id) {
    constexpr std::size_t kTail = kTimeLength + 1 + kSuffixLength;
    if (id.size() <= kTail + 1 || id[id.size() - kTail - 1] != '-') return {};
    const std::string time = id.substr(id.size() - kTail, kTimeLength);
    for (std::size_t i = 0; i < time.size(); ++i)
        if (i == 8 ? time[i] != '-' : time[i] < '0' || time[i] > '9') return {};
    return id[id.size() - kSuffixLength - 1] == '-' ? time : std::string{};
}

std::string random_suffix() {
    constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";  // 32, none alike
    std::array<unsigned char, kSuffixLength> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        throw_system_error("read", "the system's random numbers");
    std::string suffix;
    for (const unsigned char byte : bytes) suffix.push_back(kLetters[byte % kLetters.size()]);
    return suffix;
}

void make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error) return;
    errno = error.value();
    throw_system_error("make the folder", folder.string());
}

std::string quoted_list(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
    return text;
}

// The ids whose beginning is nearest to what was typed, best first.
std::vector<std::string> near_ids(std::string_view name, const std::vector<std::string>& ids) {
    std::vector<std::pair<std::size_t, std::string>> scored;
    for (const std::string& id : ids) {
        const std::size_t distance =
            edit_distance(name, std::string_view{id}.substr(0, name.size()));
        if (distance <= std::max<std::size_t>(2, name.size() / 3))
            scored.emplace_back(distance, id);
    }
    std::stable_sort(scored.begin(), scored.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> near;
    for (std::size_t i = 0; i < scored.size() && i < kMostNear; ++i)
        near.push_back(scored[i].second);
    return near;
}

[[noreturn]] void throw_not_one(const fs::path& runs, std::string_view name,
                                const std::vector<std::string>& matches,
                                const std::vector<std::string>& ids) {
    const std::string typed = printable(name);
    std::string message;
    if (matches.empty()) {
        message = "no run '" + typed + "' in '" + runs.string() + "'";
        const std::vector<std::string> near = near_ids(name, ids);
        if (!near.empty()) message += "; near: " + quoted_list(near);
    } else {
        message = "'" + typed + "' is the beginning of " + std::to_string(matches.size()) +
                  " runs: " + quoted_list(matches);
    }
    throw Error(ExitCode::kUsage, message + "; `r1ctl status` lists every run");
}

}  // namespace

int RunDirectory::newest_attempt() const {
    int newest = 0;
    std::error_code error;
    for (fs::directory_iterator it(attempts(), error), end; !error && it != end;
         it.increment(error)) {
        const std::string name = it->path().filename().string();
        int number = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
        if (parsed.ec == std::errc{} && name == std::to_string(number))
            newest = std::max(newest, number);
    }
    return newest;
}

int RunDirectory::begin_attempt() const {
    make_folder(attempts());
    const int number = newest_attempt() + 1;
    if (::mkdir(attempt(number).c_str(), 0755) != 0) {
        if (errno == EEXIST)
            throw Error(ExitCode::kRunFailed, "another process has just started attempt " +
                                                  std::to_string(number) + " of run '" + run_id() +
                                                  "'; `r1ctl status` shows it");
        throw_system_error("make the folder", attempt(number).string());
    }
    sync_folder(attempts());
    sync_folder(root_);
    return number;
}

std::string make_run_id(std::string_view recipe_name) {
    std::string id;
    for (const char c : recipe_name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || (c == '.' && !id.empty());
        id.push_back(plain ? c : '-');
    }
    const std::string time = utc_text(utc_milliseconds());  // "2026-11-21T20:26:01Z"
    const auto part = [&](std::size_t at, std::size_t length) { return time.substr(at, length); };
    return id + "-" + part(0, 4) + part(5, 2) + part(8, 2) + "-" + part(11, 2) + part(14, 2) +
           part(17, 2) + "-" + random_suffix();
}

RunDirectory create_run(const fs::path& runs, std::string_view run_id,
                        std::string_view frozen_recipe) {
    make_folder(runs);
    RunDirectory run(runs / run_id);
    if (::mkdir(run.root().c_str(), 0755) != 0)
        throw_system_error("make the folder", run.root().string());
    write_file_durably(run.recipe(), frozen_recipe);
    sync_folder(runs);
    return run;
}

RunDirectory find_run(const fs::path& runs, std::string_view name) {
    if (name.empty()) throw Error(ExitCode::kUsage, "no run was named; `r1ctl status` lists them");
    std::vector<std::string> ids;
    std::vector<std::string> matches;
    for (const RunDirectory& run : list_runs(runs)) {
        ids.push_back(run.run_id());
        if (run.run_id() == name) return run;
        if (run.run_id().starts_with(name)) matches.push_back(run.run_id());
    }
    if (matches.size() == 1) return RunDirectory(runs / matches.front());
    std::error_code error;
    const fs::path path = fs::canonical(fs::path(name), error);
    if (!error && is_run(path)) return RunDirectory(path);
    throw_not_one(runs, name, matches, ids);
}

std::vector<RunDirectory> list_runs(const fs::path& runs) {
    std::vector<std::pair<std::string, std::string>> found;  // time, id
    std::error_code error;
    for (fs::directory_iterator it(runs, error), end; !error && it != end; it.increment(error)) {
        std::string id = it->path().filename().string();
        if (!id.starts_with('.') && is_run(it->path())) found.emplace_back(time_in_id(id), id);
    }
    std::sort(found.rbegin(), found.rend());
    std::vector<RunDirectory> list;
    for (const auto& [time, id] : found) list.emplace_back(runs / id);
    return list;
}

}  // namespace r1
