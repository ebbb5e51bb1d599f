// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/sacct_file.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <optional>
#include <stdexcept>
#include <tuple>

#include "common/error.h"
#include "common/text.h"
#include "slurm/billing/tres.h"
#include "slurm/job_state.h"
#include "slurm/slurm_text.h"

namespace r1 {

namespace {

/// One line by the names of the heading.
class Row {
  public:
    Row(const std::vector<std::string_view>& heading, std::vector<std::string_view> fields)
        : heading_(heading), fields_(std::move(fields)) {}

    /// nullopt where the heading has no such column.
    std::optional<std::size_t> column(std::string_view name) const {
        for (std::size_t i = 0; i < heading_.size(); ++i)
            if (equal_ignoring_case(heading_[i], name)) return i;
        return std::nullopt;
    }
    /// Empty where the heading has no such column.
    std::string_view at(std::string_view name) const {
        const std::optional<std::size_t> index = column(name);
        return index ? fields_[*index] : std::string_view();
    }

  private:
    const std::vector<std::string_view>& heading_;
    std::vector<std::string_view> fields_;
};

/// Seconds since 1970 of "2026-11-21T20:26:01" in this machine's zone.
std::optional<std::int64_t> local_time(std::string_view text) {
    std::tm parts{};
    const std::string copy(text);
    const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    parts.tm_isdst = -1;
    const std::time_t seconds = std::mktime(&parts);
    return seconds < 0 ? std::nullopt : std::optional<std::int64_t>(seconds);
}

bool is_nothing(std::string_view text) {
    return text.empty() || text == "Unknown" || text == "None" || text == "N/A";
}

class SacctFile {
  public:
    SacctFile(const std::filesystem::path& name, const CostSection& prices, std::int64_t now_ms)
        : name_(name.string()), prices_(prices), now_ms_(now_ms) {}

    std::vector<Charge> read(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            ++line_;
            take(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        if (heading_.empty()) fail("", "the file is empty; it needs sacct's heading and its lines");
        return std::move(charges_);
    }

  private:
    void take(std::string_view line) {
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (line.empty()) return;
        std::vector<std::string_view> fields = split(line, '|');
        if (heading_.empty()) {
            set_heading(std::move(fields));
            return;
        }
        if (fields == heading_) return;  // several answers, one behind the other
        if (fields.size() != heading_.size())
            fail("", std::to_string(fields.size()) + " fields, and the heading has " +
                         std::to_string(heading_.size()) +
                         "; a '|' in a name shifts them: leave the column JobName out");
        take_row(Row(heading_, std::move(fields)));
    }

    void set_heading(std::vector<std::string_view> fields) {
        heading_ = std::move(fields);
        const Row row(heading_, heading_);
        id_ = row.column("JobID") ? "JobID" : "JobIDRaw";
        for (const std::string_view needed :
             {id_, std::string_view("Start"), std::string_view("End"),
              std::string_view("AllocTRES")})
            if (!row.column(needed))
                fail("", "the heading has no column " + std::string(needed) +
                             "; print it with sacct --duplicates --allocations --parsable2 "
                             "--format=JobID,JobName,State,User,Account,Cluster,Partition,Start,"
                             "End,Suspended,AllocTRES,ReqTRES");
    }

    void take_row(const Row& row) {
        const std::string_view id = row.at(id_);
        if (id.empty() || id.front() < '0' || id.front() > '9')
            fail(id_, "'" + printable(id) + "' is not the id of a job");
        if (id.find('.') != std::string_view::npos) return;  // a step: its job has all of it
        const std::optional<std::int64_t> start = time_of(row, "Start");
        const JobState state = parse_job_state(row.at("State"));
        const std::optional<std::int64_t> end = time_of(row, "End");
        // It never started. Cancelled while pending, start and end are the same and nothing was
        // allocated.
        const bool idle = end == start && row.at("AllocTRES").empty();
        if (!start || idle || state.phase == JobPhase::kWaiting) return;
        Charge charge;
        charge.run = "job " + std::string(id);
        charge.recipe = printable(row.at("JobName"));
        charge.user = printable(row.at("User"));
        charge.account = printable(row.at("Account"));
        charge.cluster = printable(row.at("Cluster"));
        charge.partition = printable(row.at("Partition"));
        charge.job = std::stoll(std::string(id.substr(0, std::min<std::size_t>(id.size(), 18))));
        charge.attempt = 1;
        charge.state = state.text;
        charge.source = ChargeSource::kAccounting;
        charge.start_ms = *start * 1000;
        charge.end_ms = end ? *end * 1000 : std::max(now_ms_, charge.start_ms);
        charge.provisional = !end;
        if (charge.end_ms < charge.start_ms) fail("End", "the job ends before it starts");
        set_suspended(row, charge);
        set_allocation(row, charge);
        charge.rates = rates_of(prices_, charge.partition, charge.gpu_type);
        keep(std::move(charge), std::string(row.at("Cluster")) + "/" + std::string(id));
    }

    /// Answers for windows that overlap hold a job twice; the one that tells more of it counts.
    void keep(Charge charge, const std::string& id) {
        const auto [known, is_new] = seen_.try_emplace({id, charge.start_ms}, charges_.size());
        if (is_new) {
            // A requeued job has a line for each start.
            charge.attempt = ++starts_[id];
            charges_.push_back(std::move(charge));
            return;
        }
        Charge& old = charges_[known->second];
        const bool tells_more = old.provisional && !charge.provisional;
        if (!tells_more && charge.end_ms <= old.end_ms) return;
        charge.attempt = old.attempt;
        old = std::move(charge);
    }

    void set_suspended(const Row& row, Charge& charge) const {
        const std::string_view text = row.at("Suspended");
        const std::string_view elapsed = row.at("Elapsed");
        const std::int64_t wall_s = (charge.end_ms - charge.start_ms) / 1000;
        std::int64_t suspended_s = 0;
        if (!is_nothing(text)) {
            suspended_s = duration_of("Suspended", text);
        } else if (!is_nothing(elapsed)) {
            // Elapsed leaves suspended time out; GPUs stay allocated in it.
            suspended_s = std::max<std::int64_t>(0, wall_s - duration_of("Elapsed", elapsed));
        }
        charge.suspended_ms = std::min(suspended_s, wall_s) * 1000;
    }

    void set_allocation(const Row& row, Charge& charge) const {
        ParsedTres tres = tres_of(row, "AllocTRES");
        // A site that does not track GPUs leaves them out of what was allocated.
        if (tres.allocated.gpus == 0 && tres.refused.empty()) {
            const ParsedTres asked = tres_of(row, "ReqTRES");
            if (asked.allocated.gpus > 0 || !asked.refused.empty()) {
                tres.allocated.gpus = asked.allocated.gpus;
                tres.gpu_type = asked.gpu_type;
                tres.refused = asked.refused;
                charge.gpus_from = "request";
            }
        }
        if (tres.allocated.nodes == 0) tres.allocated.nodes = count_of(row, "NNodes");
        if (tres.allocated.cores == 0) tres.allocated.cores = count_of(row, "AllocCPUS");
        charge.allocated = tres.allocated;
        charge.gpu_type = tres.gpu_type;
        charge.refused = tres.refused;
    }

    ParsedTres tres_of(const Row& row, std::string_view name) const {
        try {
            return parse_tres(row.at(name));
        } catch (const std::invalid_argument& error) {
            fail(name, std::string(error.what()) + "; print it with sacct --noconvert");
        }
    }

    std::int64_t count_of(const Row& row, std::string_view name) const {
        const std::string_view text = row.at(name);
        if (text.empty()) return 0;
        const auto value = parse_count(text);
        if (!value) fail(name, "'" + printable(text) + "' is not a count");
        return *value;
    }

    /// Of seconds, so that their milliseconds fit too.
    static std::optional<std::int64_t> parse_count(std::string_view text) {
        constexpr std::size_t kMostDigits = 15;
        return text.size() > kMostDigits ? std::nullopt : parse_whole_number(text);
    }

    std::int64_t duration_of(std::string_view name, std::string_view text) const {
        if (const auto seconds = parse_slurm_duration(text)) return *seconds;
        if (const auto seconds = parse_count(text)) return *seconds;
        fail(name, "'" + printable(text) + "' is not a duration");
    }

    std::optional<std::int64_t> time_of(const Row& row, std::string_view name) const {
        const std::string_view text = row.at(name);
        if (is_nothing(text)) return std::nullopt;
        if (const auto seconds = parse_count(text)) return *seconds > 0 ? seconds : std::nullopt;
        if (const auto seconds = local_time(text)) return seconds;
        fail(name, "'" + printable(text) +
                       "' is not a time; print seconds with SLURM_TIME_FORMAT=%s, or "
                       "2026-01-31T12:00:00");
    }

    [[noreturn]] void fail(std::string_view column, const std::string& message) const {
        throw Error(ExitCode::kUsage, name_ + ":" + std::to_string(line_) + ": " +
                                          (column.empty() ? "" : std::string(column) + ": ") +
                                          message);
    }

    std::string name_;
    const CostSection& prices_;
    std::int64_t now_ms_;
    std::size_t line_ = 0;
    std::string_view id_;
    std::vector<std::string_view> heading_;
    std::vector<Charge> charges_;
    std::map<std::tuple<std::string, std::int64_t>, std::size_t> seen_;
    std::map<std::string, int> starts_;
};

}  // namespace

std::vector<Charge> charges_of_sacct(std::string_view text, const std::filesystem::path& name,
                                     const CostSection& prices, std::int64_t now_ms) {
    return SacctFile(name, prices, now_ms).read(text);
}

}  // namespace r1
