// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>

#include "cli/output/numbers.h"
#include "common/text.h"
#include "common/time.h"

namespace r1::cli {

namespace {

constexpr double kLogEverySeconds = 5;

std::size_t terminal_width() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
    return size.ws_col;
}

void add(std::string& text, const char* name, const std::optional<double>& value, int decimals) {
    if (value) text += std::string("  ") + name + " " + fixed(*value, decimals);
}

std::string label(const Evaluation& evaluation) {
    const std::string stage = printable(evaluation.stage);
    if (evaluation.when == "start") return "before training";
    return (evaluation.when == "interval" ? "in " : "after ") + stage;
}

}  // namespace

std::string step_text(const StepRecord& record) {
    std::string text = printable(record.stage) + " " + std::to_string(record.stage_step) + "/" +
                       std::to_string(record.stage_steps) + "  step " +
                       std::to_string(record.step) + "/" + std::to_string(record.total_steps);
    add(text, "loss", record.loss, 4);
    add(text, "reward", record.reward, 3);
    add(text, "accuracy", record.accuracy, 3);
    add(text, "length", record.length, 1);
    add(text, "kl", record.kl, 4);
    if (record.tokens_per_second) text += "  " + short_count(*record.tokens_per_second) + " tok/s";
    return text;
}

std::string evaluation_text(const Evaluation& evaluation) {
    return "evaluation " + label(evaluation) + " (step " + std::to_string(evaluation.step) +
           "): pass@1 " + fixed(evaluation.pass_1, 3) + " [" + fixed(evaluation.low, 3) + ", " +
           fixed(evaluation.high, 3) + "], pass@" + std::to_string(evaluation.k) + " " +
           fixed(evaluation.pass_k, 3) + ", " + counted(evaluation.prompts, "prompt") + " x " +
           std::to_string(evaluation.samples);
}

void Progress::step(const StepRecord& record, const std::string& spent) {
    const bool new_stage = record.stage != stage_;
    stage_ = record.stage;
    step_seconds_ = new_stage ? record.seconds : 0.8 * step_seconds_ + 0.2 * record.seconds;
    const double now = monotonic_seconds();
    const bool last = record.stage_step == record.stage_steps;
    if (quiet_ || (!terminal_ && !new_stage && !last && now - shown_at_ < kLogEverySeconds)) return;
    shown_at_ = now;
    const auto left =
        static_cast<double>(std::max<std::int64_t>(0, record.total_steps - record.step));
    std::string line =
        step_text(record) + "  eta " + short_duration(left * step_seconds_) + "  " + spent;
    if (!terminal_) return say(line);
    line.resize(std::min(line.size(), terminal_width() - 1));
    err_ << "\r\x1b[K" << line << std::flush;
    live_ = true;
}

void Progress::evaluation(const Evaluation& evaluation) {
    if (!quiet_) say(evaluation_text(evaluation));
}

void Progress::note(const std::string& line) {
    say(line);
}

void Progress::finish() {
    if (live_) err_ << '\n' << std::flush;
    live_ = false;
}

void Progress::say(const std::string& line) {
    if (live_) err_ << "\r\x1b[K";
    live_ = false;
    err_ << line << '\n' << std::flush;
}

}  // namespace r1::cli
