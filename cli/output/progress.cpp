// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>
#include <utility>
#include <vector>

#include "cli/output/numbers.h"
#include "common/text.h"
#include "common/time.h"

namespace r1::cli {

namespace {

constexpr double kLogEverySeconds = 5;
constexpr double kBarEverySeconds = 0.1;
constexpr std::size_t kBarWidth = 20;

std::size_t terminal_width() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
    return size.ws_col;
}

/// A piece of the line. On a narrow terminal the pieces of the lowest worth go first.
struct Piece {
    static constexpr int kAlways = 9;
    std::string text;
    int worth = kAlways;
};

void add(std::vector<Piece>& pieces, const char* name, const std::optional<double>& value,
         int decimals, int worth = Piece::kAlways) {
    if (value) pieces.push_back({std::string(name) + " " + fixed(*value, decimals), worth});
}

std::vector<Piece> pieces_of(const StepRecord& record) {
    std::vector<Piece> pieces;
    pieces.push_back({printable(record.stage) + " " + std::to_string(record.stage_step) + "/" +
                      std::to_string(record.stage_steps)});
    pieces.push_back(
        {"step " + std::to_string(record.step) + "/" + std::to_string(record.total_steps), 5});
    add(pieces, "loss", record.loss, 4);
    add(pieces, "reward", record.reward, 3);
    add(pieces, "accuracy", record.accuracy, 3, 6);
    add(pieces, "length", record.length, 1, 3);
    add(pieces, "kl", record.kl, 4, 2);
    if (record.tokens_per_second)
        pieces.push_back({short_count(*record.tokens_per_second) + " tok/s", 1});
    return pieces;
}

std::string joined(const std::vector<Piece>& pieces) {
    std::string line;
    for (const Piece& piece : pieces) line += (line.empty() ? "" : "  ") + piece.text;
    return line;
}

std::string fitted(std::vector<Piece> pieces, std::size_t width) {
    const auto less = [](const Piece& a, const Piece& b) { return a.worth < b.worth; };
    while (joined(pieces).size() > width) {
        const auto least = std::min_element(pieces.begin(), pieces.end(), less);
        if (least->worth == Piece::kAlways) break;
        pieces.erase(least);
    }
    return joined(pieces).substr(0, width);
}

std::string label(const Evaluation& evaluation) {
    const std::string stage = printable(evaluation.stage);
    if (evaluation.when == "start") return "before training";
    return (evaluation.when == "interval" ? "in " : "after ") + stage;
}

}  // namespace

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
    std::vector<Piece> pieces = pieces_of(record);
    pieces.push_back({"eta " + short_duration(left * step_seconds_)});
    pieces.push_back({spent, 4});
    if (!terminal_) return say(joined(pieces));
    err_ << "\r\x1b[K" << fitted(std::move(pieces), terminal_width() - 1) << std::flush;
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

BytesBar::BytesBar(std::ostream& err, bool terminal, std::string what, std::uint64_t total)
    : err_(err),
      terminal_(terminal),
      what_(std::move(what)),
      total_(total),
      started_at_(monotonic_seconds()),
      shown_at_(started_at_) {}

BytesBar::~BytesBar() {
    if (live_) err_ << "\r\x1b[K" << std::flush;
}

double BytesBar::seconds() const {
    return monotonic_seconds() - started_at_;
}

void BytesBar::at(std::uint64_t bytes) {
    const double now = monotonic_seconds();
    if (!terminal_ || now - shown_at_ < kBarEverySeconds) return;
    shown_at_ = now;
    live_ = true;
    const auto done = static_cast<double>(bytes);
    const auto total = static_cast<double>(total_);
    const double share = total_ == 0 ? 1 : std::min(1.0, done / total);
    const double speed = done / std::max(seconds(), 1e-9);
    const auto full = static_cast<std::size_t>(share * kBarWidth);
    std::vector<Piece> pieces{{what_}};
    pieces.push_back({"[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "]", 1});
    pieces.push_back({fixed(100 * share, 0) + "%"});
    pieces.push_back({fixed(done / 1e9, 2) + " of " + fixed(total / 1e9, 2) + " GB", 2});
    pieces.push_back({fixed(speed / 1e9, 2) + " GB/s", 3});
    pieces.push_back({"eta " + short_duration(std::max(0.0, total - done) / speed), 4});
    err_ << "\r\x1b[K" << fitted(std::move(pieces), terminal_width() - 1) << std::flush;
}

}  // namespace r1::cli
