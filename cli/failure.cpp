// SPDX-License-Identifier: Apache-2.0
#include "cli/failure.h"

#include <signal.h>
#include <string.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "common/text.h"

namespace r1::cli {

namespace {

constexpr std::streamoff kTailBytes = 16384;
constexpr std::size_t kTailLines = 16;  // mpirun's own words take eight of them

/// The end of a log, at most kTailBytes of it.
std::string end_of(const std::filesystem::path& log) {
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

/// "signal 9 (Killed)", with what is most often behind it.
std::string signal_text(int number) {
    const char* name = ::sigdescr_np(number);
    std::string text = "signal " + std::to_string(number);
    if (name != nullptr) text += std::string(" (") + name + ")";
    if (number == SIGKILL) text += "; `dmesg` says whether the machine ran out of memory";
    return text;
}

/// The rank whose error file is the oldest: the others usually fail because of it.
const RankError& first_of(const RunDirectory& run, int attempt,
                          const std::vector<RankError>& errors) {
    const auto written = [&](const RankError& error) {
        std::error_code ignored;
        return std::filesystem::last_write_time(run.attempt_error(attempt, error.rank), ignored);
    };
    const RankError* first = &errors.front();
    for (const RankError& error : errors)
        if (written(error) < written(*first)) first = &error;
    return *first;
}

std::string without_record(const std::filesystem::path& log, const ProcessEnd& end) {
    static const std::regex kKilledRank(
        "process rank ([0-9]+) with PID [0-9]+ on node ([^ ]+) exited on signal ([0-9]+)");
    const std::string text = end_of(log);
    std::smatch match;
    if (std::regex_search(text, match, kKilledRank))
        return "rank " + match[1].str() + " on " + printable(match[2].str()) + " was killed by " +
               signal_text(std::stoi(match[3].str().substr(0, 3)));
    if (end.signal != 0) return "mpirun was killed by " + signal_text(end.signal);
    const std::string how =
        end.ok() ? "without saying how"
                 : "with exit code " + std::to_string(end.exit_code) + " and without saying why";
    const std::string tail = log_tail(log);
    return "the ranks ended " + how + (tail.empty() ? "" : "; the end of their log:\n" + tail);
}

}  // namespace

namespace {

/// A message may have lines, as a recipe's problems do; the others are indented under the first.
std::string printable_lines(const std::string& text) {
    std::string shown;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        shown += (shown.empty() ? "" : "\n    ") + printable(line);
    return shown;
}

}  // namespace

std::string log_tail(const std::filesystem::path& log) {
    const std::string text = end_of(log);
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
    const std::vector<RankError> errors = read_rank_errors(run, attempt);
    if (errors.empty()) return {without_record(run.attempt_log(attempt), end), 1};
    const RankError& error = first_of(run, attempt, errors);
    std::string message = "rank " + std::to_string(error.rank) + " on " + printable(error.host) +
                          " failed: " + printable_lines(error.message);
    if (errors.size() > 1)
        message += "\n  (the first of " + std::to_string(errors.size()) + " ranks that failed)";
    return {message, error.exit_code > 0 ? error.exit_code : 1};
}

}  // namespace r1::cli
