// SPDX-License-Identifier: Apache-2.0
#include "slurm/slurm_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <tuple>

#include "common/error.h"
#include "common/text.h"
#include "common/time.h"

namespace r1 {

namespace {

constexpr char kFieldEnd = '\x1f';
constexpr char kRowEnd = '\x1e';

enum QueueField {
    kQueueId,
    kQueueState,
    kQueueRestarts,
    kQueueSubmit,
    kQueueStart,
    kQueueEnd,
    kQueueLeft,
    kQueuePartition,
    kQueueNodes,
    kQueueReason,
    kQueueName,
    kQueueComment,
};
constexpr std::array<std::string_view, 12> kQueueFields{
    "JobArrayID", "State",     "RestartCnt", "SubmitTime", "StartTime", "EndTime",
    "TimeLeft",   "Partition", "NodeList",   "Reason",     "Name",      "Comment"};

// sacct ends a record with a line feed alone, which a name may hold. The last field is one that
// never does, so that a record is over when its fields are complete.
enum HistoryField {
    kPastId,
    kPastState,
    kPastSubmit,
    kPastStart,
    kPastEnd,
    kPastSuspended,
    kPastPartition,
    kPastNodes,
    kPastAllocated,
    kPastCluster,
    kPastUser,
    kPastAccount,
    kPastName,
    kPastComment,
    kPastExitCode,
};
constexpr std::array<std::string_view, 15> kHistoryFields{
    "JobID",     "State",   "Submit", "Start",   "End",     "Suspended", "Partition", "NodeList",
    "AllocTRES", "Cluster", "User",   "Account", "JobName", "Comment",   "ExitCode"};

/// A field in which squeue or sacct writes a word for nothing.
std::string text_of(std::string_view field) {
    const bool nothing = field == "(null)" || field == "N/A" || field == "None assigned";
    return nothing ? std::string() : std::string(field);
}

/// "12_3", "12_[0-9]", "12+1": a task of an array, a part of a heterogeneous job.
bool is_part_of_another(std::string_view id) {
    const std::size_t mark = id.find_first_of("_+");
    return mark != std::string_view::npos && parse_whole_number(id.substr(0, mark)).has_value();
}

[[noreturn]] void throw_unreadable(std::string_view command, std::string_view row) {
    constexpr std::size_t kMost = 200;
    throw Error(ExitCode::kScheduler,
                std::string(command) + " answered with what cannot be read: '" +
                    printable(row.substr(0, kMost)) + "'; is it Slurm's own " +
                    std::string(command) + ", and of version 22.05 or newer?");
}

/// Takes "CLUSTER: east" off the front, which squeue --clusters writes even without a header.
void take_cluster(std::string_view& row, std::string& cluster) {
    constexpr std::string_view kHeading = "CLUSTER: ";
    while (!row.empty() && (row.front() == '\n' || row.starts_with(kHeading))) {
        const std::size_t end = std::min(row.find('\n'), row.size() - 1);
        if (row.starts_with(kHeading))
            cluster = std::string(row.substr(kHeading.size(), end - kHeading.size()));
        row.remove_prefix(end + 1);
    }
}

QueuedJob queued_job(const std::vector<std::string_view>& field, std::int64_t number) {
    QueuedJob job;
    job.id.number = number;
    job.name = text_of(field[kQueueName]);
    job.comment = text_of(field[kQueueComment]);
    job.state = parse_job_state(field[kQueueState]);
    job.reason = text_of(field[kQueueReason]);
    job.partition = text_of(field[kQueuePartition]);
    job.nodes = text_of(field[kQueueNodes]);
    job.restarts = parse_whole_number(field[kQueueRestarts]).value_or(0);
    job.submit_s = parse_epoch(field[kQueueSubmit]);
    job.start_s = parse_epoch(field[kQueueStart]);
    job.end_s = parse_epoch(field[kQueueEnd]);
    job.left_s = parse_slurm_duration(field[kQueueLeft]);
    return job;
}

PastJob past_job(const std::vector<std::string_view>& field, std::int64_t number) {
    PastJob job;
    job.id = {number, text_of(field[kPastCluster])};
    job.name = text_of(field[kPastName]);
    job.comment = text_of(field[kPastComment]);
    job.user = text_of(field[kPastUser]);
    job.account = text_of(field[kPastAccount]);
    job.state = parse_job_state(field[kPastState]);
    job.exit_code = text_of(field[kPastExitCode]);
    job.partition = text_of(field[kPastPartition]);
    job.nodes = text_of(field[kPastNodes]);
    job.allocated = text_of(field[kPastAllocated]);
    job.submit_s = parse_epoch(field[kPastSubmit]);
    job.start_s = parse_epoch(field[kPastStart]);
    job.end_s = parse_epoch(field[kPastEnd]);
    job.suspended_s = parse_slurm_duration(field[kPastSuspended]).value_or(0);
    return job;
}

bool older(const PastJob& a, const PastJob& b) {
    static constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
    const auto key = [](const PastJob& job) {
        return std::tuple(job.submit_s.value_or(job.start_s.value_or(kLast)),
                          job.start_s.value_or(kLast));
    };
    return key(a) < key(b);
}

}  // namespace

std::optional<std::int64_t> parse_whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || text.front() == '-' || error != std::errc{} ||
        end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::optional<JobId> parse_submitted(std::string_view output) {
    while (!output.empty() && output.back() == '\n') output.remove_suffix(1);
    const std::string_view line = split(output, '\n').back();
    const std::size_t mark = line.find(';');
    const std::optional<std::int64_t> number = parse_whole_number(line.substr(0, mark));
    if (!number || *number == 0) return std::nullopt;
    if (mark == std::string_view::npos) return JobId{*number, ""};
    const std::string_view cluster = line.substr(mark + 1);
    if (cluster.empty() || cluster.find_first_of("; \t\r") != std::string_view::npos)
        return std::nullopt;
    return JobId{*number, std::string(cluster)};
}

std::string queue_format() {
    std::string format;
    for (const std::string_view field : kQueueFields) {
        // A colon without a width keeps squeue from cutting the field at 20 characters; what comes
        // after it is written behind the field.
        if (!format.empty()) format += ',';
        format += std::string(field) + ':' + (field == kQueueFields.back() ? kRowEnd : kFieldEnd);
    }
    return format;
}

std::vector<QueuedJob> parse_queue(std::string_view output) {
    std::vector<QueuedJob> jobs;
    std::string cluster;
    while (true) {
        take_cluster(output, cluster);
        if (output.empty()) return jobs;
        const std::size_t end = output.find("\x1e\n");
        if (end == std::string_view::npos) throw_unreadable("squeue", output);
        const std::vector<std::string_view> fields = split(output.substr(0, end), kFieldEnd);
        const std::string_view id = fields.front();
        const std::optional<std::int64_t> number = parse_whole_number(id);
        if (fields.size() < kQueueFields.size() || (!number && !is_part_of_another(id)))
            throw_unreadable("squeue", output.substr(0, end));
        output.remove_prefix(end + 2);
        // More fields than asked for: someone put our separator into a name. Ours never hold it.
        if (!number || fields.size() > kQueueFields.size()) continue;
        jobs.push_back(queued_job(fields, *number));
        jobs.back().id.cluster = cluster;
    }
}

std::string history_format() {
    std::string format;
    for (const std::string_view field : kHistoryFields)
        format += (format.empty() ? "" : ",") + std::string(field);
    return format;
}

std::string history_delimiter() {
    return std::string(1, kFieldEnd);
}

std::vector<PastJob> parse_history(std::string_view output) {
    std::vector<PastJob> jobs;
    while (!output.empty()) {
        std::size_t end = 0;
        std::ptrdiff_t separators = 0;
        do {
            const std::size_t line = output.find('\n', end);
            if (line == std::string_view::npos) throw_unreadable("sacct", output);
            separators += std::count(output.begin() + static_cast<std::ptrdiff_t>(end),
                                     output.begin() + static_cast<std::ptrdiff_t>(line), kFieldEnd);
            end = line + 1;
        } while (separators + 1 < static_cast<std::ptrdiff_t>(kHistoryFields.size()));
        const std::vector<std::string_view> fields = split(output.substr(0, end - 1), kFieldEnd);
        // A line of a site's own before the record ends up in front of the id.
        const std::string_view id = split(fields.front(), '\n').back();
        const std::optional<std::int64_t> number = parse_whole_number(id);
        if (!number && !is_part_of_another(id)) throw_unreadable("sacct", output.substr(0, end));
        output.remove_prefix(end);
        if (number && fields.size() == kHistoryFields.size())
            jobs.push_back(past_job(fields, *number));
    }
    std::stable_sort(jobs.begin(), jobs.end(), older);
    return jobs;
}

std::optional<std::int64_t> parse_epoch(std::string_view text) {
    const std::optional<std::int64_t> seconds = parse_whole_number(text);
    return seconds && *seconds > 0 ? seconds : std::nullopt;
}

std::optional<std::int64_t> parse_slurm_duration(std::string_view text) {
    std::int64_t days = 0;
    const std::size_t dash = text.find('-');
    if (dash != std::string_view::npos) {
        const std::optional<std::int64_t> number = parse_whole_number(text.substr(0, dash));
        if (!number || *number > 1'000'000) return std::nullopt;
        days = *number;
        text.remove_prefix(dash + 1);
    }
    const std::vector<std::string_view> parts = split(text, ':');
    if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
    std::int64_t seconds = 0;
    for (const std::string_view part : parts) {
        const std::optional<std::int64_t> number = parse_whole_number(part);
        if (!number || *number > 1'000'000) return std::nullopt;
        seconds = seconds * 60 + *number;
    }
    return days * 86'400 + seconds;
}

std::string slurm_utc_text(std::int64_t seconds) {
    std::string text = utc_text(seconds * 1000);
    if (!text.empty() && text.back() == 'Z') text.pop_back();
    return text;
}

}  // namespace r1
