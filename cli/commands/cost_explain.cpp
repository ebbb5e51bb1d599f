// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/cost_explain.h"

#include <algorithm>
#include <ostream>

#include "common/text.h"
#include "common/time.h"
#include "slurm/billing/share.h"

namespace r1::cli {

namespace {

__extension__ using Wide = __int128;

/// An exact decimal: `value` counts units of 10^-places. Zeros behind the last digit are left out.
std::string decimal(Wide value, int places) {
    const bool negative = value < 0;
    if (negative) value = -value;
    std::string text;
    for (int i = 0; i < places || value > 0 || text.empty(); ++i) {
        text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
        value /= 10;
    }
    if (text.size() == static_cast<std::size_t>(places)) text.insert(text.begin(), '0');
    text.insert(text.size() - static_cast<std::size_t>(places), ".");
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return (negative ? "-" : "") + text;
}

/// "7200 s", "7200.5 s".
std::string seconds(std::int64_t milliseconds) {
    return decimal(milliseconds, 3);
}

std::string moment(std::int64_t milliseconds) {
    return utc_text(milliseconds) + " = " + seconds(milliseconds);
}

const char* name_of(Work work) {
    switch (work) {
        case Work::kUseful:
            return "useful";
        case Work::kLost:
            return "lost";
        case Work::kOverhead:
            return "start-up";
        case Work::kUnknown:
            return "used";
    }
    return "";
}

class Explanation {
  public:
    Explanation(const CostQuestion& question, std::ostream& out) : question_(question), out_(out) {}

    void start(const Charge& charge) {
        print_heading(charge);
        if (!charge.refused.empty()) {
            out_ << "  not in the bill: " << printable(charge.refused) << '\n';
            return;
        }
        print_times(charge);
        for (const Segment& segment : segments_of(charge, question_.since_ms, question_.until_ms))
            print_segment(segment, charge);
        total_ += bill_of(charge, question_.since_ms, question_.until_ms);
        if (charge.disagreement)
            out_ << "  the sources differ: " << seconds(charge.disagreement->own_ms)
                 << " s by the run's own records, " << seconds(charge.disagreement->other_ms)
                 << " s by the accounting: " << printable(charge.disagreement->reason) << '\n';
        if (charge.job > 0 && std::find(jobs_.begin(), jobs_.end(), charge.job) == jobs_.end())
            jobs_.push_back(charge.job);
    }

    void finish() {
        out_ << "total\n";
        if (total_.gpu_ms > 0)
            out_ << "  " << seconds(total_.gpu_ms)
                 << " GPU-seconds / 3600 = " << hours_text(total_.gpu_ms) << " GPU-hours\n";
        out_ << "  " << seconds(total_.core_ms)
             << " core-seconds / 3600 = " << hours_text(total_.core_ms) << " core-hours\n";
        for (const auto& [currency, product] : running_)
            out_ << "  " << decimal(product, 9) << " " << currency
                 << "-seconds / 3600 = " << total_.cost.at(currency).to_string() << " " << currency
                 << '\n';
        if (total_.unpriced) out_ << "  some of it is unpriced, and in no amount\n";
        if (total_.provisional) out_ << "  provisional: it can still change\n";
        out_ << "rounding: once, here, half up to two decimals; every line above is exact\n";
        if (jobs_.empty()) return;
        out_ << "compare: TZ=UTC sacct -D -X -j ";
        for (std::size_t i = 0; i < jobs_.size(); ++i) out_ << (i == 0 ? "" : ",") << jobs_[i];
        out_ << " --format=JobID,State,Start,End,ElapsedRaw,Suspended,AllocTRES%80\n";
    }

  private:
    void print_heading(const Charge& charge) {
        out_ << "start " << ++starts_ << ": " << printable(charge.run);
        if (charge.attempt > 0) out_ << ", attempt " << charge.attempt;
        if (charge.job > 0 && !charge.run.starts_with("job ")) out_ << ", job " << charge.job;
        if (!charge.state.empty()) out_ << ", " << printable(charge.state);
        out_ << "; times by " << source_text(charge.source) << '\n';
    }

    static const char* source_text(ChargeSource source) {
        if (source == ChargeSource::kAccounting) return "the accounting (sacct)";
        return source == ChargeSource::kQueue ? "the queue (squeue)" : "the run's own records";
    }

    void print_times(const Charge& charge) {
        const std::int64_t since = std::max(charge.start_ms, question_.since_ms);
        const std::int64_t until = std::max(since, std::min(charge.end_ms, question_.until_ms));
        const bool cut = since != charge.start_ms || until != charge.end_ms;
        out_ << "  start        " << moment(charge.start_ms) << '\n';
        out_ << "  end          " << moment(charge.end_ms)
             << (charge.provisional ? " (provisional)" : "") << '\n';
        if (cut)
            out_ << "  of it, within the window: " << moment(since) << " to " << moment(until)
                 << '\n';
        out_ << "  end - start  " << seconds(until - since) << " s, nothing is taken off";
        if (charge.suspended_ms > 0)
            out_ << ": suspended for " << seconds(charge.suspended_ms)
                 << " s, in which the GPUs stayed allocated (sacct's Elapsed leaves them out)";
        out_ << '\n';
        print_devices(charge, until - since);
    }

    void print_devices(const Charge& charge, std::int64_t length) {
        const Allocation& allocated = charge.allocated;
        const std::string from = !charge.gpus_from.empty()             ? printable(charge.gpus_from)
                                 : charge.source == ChargeSource::kOwn ? "the run's own records"
                                                                       : "AllocTRES";
        const bool gpus = allocated.gpus > 0;
        const std::int64_t devices = devices_of(allocated);
        out_ << "  x " << devices << (gpus ? " GPUs" : " cores");
        if (gpus && !charge.gpu_type.empty()) out_ << " " << printable(charge.gpu_type);
        out_ << " (" << from << ") = " << decimal(Wide{devices} * length, 3)
             << (gpus ? " GPU-seconds" : " core-seconds") << '\n';
    }

    void print_segment(const Segment& segment, const Charge& charge) {
        const std::int64_t length = segment.end_ms - segment.start_ms;
        out_ << "  " << utc_text(segment.start_ms) << " to " << utc_text(segment.end_ms) << ", "
             << seconds(length) << " s " << name_of(segment.work)
             << (segment.stage.empty() ? "" : " in stage " + printable(segment.stage));
        if (!segment.rate || !prices_all(*segment.rate, charge.allocated)) {
            out_ << ": unpriced\n";
            return;
        }
        const Rate& rate = *segment.rate;
        out_ << ", price " << printable(rate.name.empty() ? rate.currency : rate.name) << '\n';
        const Allocation& allocated = charge.allocated;
        price(rate, rate.per_gpu_hour, allocated.gpus, "GPU", length);
        price(rate, rate.per_core_hour, allocated.cores, "core", length);
        price(rate, rate.per_node_hour, allocated.nodes, "node", length);
        price(rate, rate.per_billing_hour, std::max<std::int64_t>(0, allocated.billing), "billing",
              length);
    }

    void price(const Rate& rate, const std::optional<HourlyPrice>& price, std::int64_t count,
               const char* thing, std::int64_t length) {
        if (!price) return;
        const Wide device_ms = Wide{count} * length;
        const Wide product = device_ms * price->micros;
        running_[rate.currency] += product;
        out_ << "    " << seconds(length) << " s x " << count << " " << thing << " = "
             << decimal(device_ms, 3) << " " << thing << "-seconds x " << to_string(*price) << " "
             << rate.currency << " = " << decimal(product, 9) << " " << rate.currency
             << "-seconds; so far " << decimal(running_[rate.currency], 9) << '\n';
    }

    const CostQuestion& question_;
    std::ostream& out_;
    int starts_ = 0;
    Bill total_;
    std::map<std::string, Wide> running_;  ///< by currency: millionths × milliseconds
    std::vector<std::int64_t> jobs_;
};

}  // namespace

void explain_cost(const std::vector<Charge>& charges, const CostQuestion& question,
                  std::ostream& out) {
    Explanation explanation(question, out);
    for (const Charge& charge : charges) {
        const bool asked = (question.user.empty() || charge.user == question.user) &&
                           (question.account.empty() || charge.account == question.account);
        const bool within = charge.start_ms < question.until_ms &&
                            std::max(charge.end_ms, charge.start_ms + 1) > question.since_ms;
        if (asked && within) explanation.start(charge);
    }
    explanation.finish();
}

}  // namespace r1::cli
