// SPDX-License-Identifier: Apache-2.0
#include "cli/failure.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/attempt.h"
#include "common/text.h"
#include "slurm/dead_rank.h"

namespace r1::cli {

namespace {

constexpr std::streamoff kTailBytes = 16384;
constexpr std::size_t kTailLines = 16;  // mpirun's own words take eight of them

/// With what is most often behind it.
std::string with_hint(const std::string& how) {
    const bool killed = how.find("Killed") != std::string::npos;
    return how + (killed ? "; `dmesg` says whether the machine ran out of memory" : "");
}

std::string without_record(const std::filesystem::path& log, const ProcessEnd& end) {
    if (const auto dead = first_dead_rank(end_of_log(log)))
        return "rank " + dead->rank + " on " + dead->node +
               (dead->how.starts_with("signal") ? " was killed by " : " ended: ") +
               with_hint(dead->how);
    if (end.signal != 0) return "mpirun was killed by " + with_hint(signal_text(end.signal));
    const std::string how =
        end.ok() ? "without saying how"
                 : "with exit code " + std::to_string(end.exit_code) + " and without saying why";
    const std::string tail = log_tail(log);
    return "the ranks ended " + how + (tail.empty() ? "" : "; the end of their log:\n" + tail);
}

/// A message may have lines, as a recipe's problems do; the others are indented under the first.
std::string printable_lines(const std::string& text) {
    std::string shown;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        shown += (shown.empty() ? "" : "\n    ") + printable(line);
    return shown;
}

}  // namespace

std::vector<RankError> errors_by_time(const RunDirectory& run, int attempt) {
    std::vector<std::pair<std::filesystem::file_time_type, RankError>> timed;
    for (RankError& error : read_rank_errors(run, attempt)) {
        std::error_code ignored;
        const auto path = run.attempt_error(attempt, error.rank);
        timed.emplace_back(std::filesystem::last_write_time(path, ignored), std::move(error));
    }
    std::stable_sort(timed.begin(), timed.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<RankError> errors;
    for (auto& [time, error] : timed) errors.push_back(std::move(error));
    return errors;
}

std::string end_of_log(const std::filesystem::path& log) {
    std::ifstream in(log, std::ios::binary | std::ios::ate);
    if (!in) return "";
    const std::streamoff size = in.tellg();
    const std::streamoff start = size > kTailBytes ? size - kTailBytes : 0;
    std::string text(static_cast<std::size_t>(size - start), '\0');
    in.seekg(start);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

std::string log_tail(const std::filesystem::path& log) {
    const std::string text = end_of_log(log);
    std::vector<std::string> lines;
    std::string line;
    for (const char c : text + "\n") {
        if (c != '\n') {
            line += c;
            continue;
        }
        // Neither empty lines nor mpirun's rules.
        if (line.find_first_not_of('-') != std::string::npos) lines.push_back(printable(line));
        line.clear();
    }
    std::string tail;
    for (std::size_t i = lines.size() > kTailLines ? lines.size() - kTailLines : 0;
         i < lines.size(); ++i)
        tail += (tail.empty() ? "    " : "\n    ") + lines[i];
    return tail;
}

Failure explain_failure(const RunDirectory& run, int attempt, const ProcessEnd& end) {
    // The others usually fail because of the first.
    const std::vector<RankError> errors = errors_by_time(run, attempt);
    if (errors.empty()) return {without_record(run.attempt_log(attempt), end), 1};
    const RankError& error = errors.front();
    std::string message = "rank " + std::to_string(error.rank) + " on " + printable(error.host) +
                          (error.hung ? " hung: " : " failed: ") + printable_lines(error.message);
    if (errors.size() > 1)
        message += "\n  (the first of " + std::to_string(errors.size()) + " ranks that failed)";
    return {message, error.exit_code > 0 ? error.exit_code : 1};
}

}  // namespace r1::cli
