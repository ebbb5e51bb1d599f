// SPDX-License-Identifier: Apache-2.0
// Plays r1ctl-rank for the tests of r1ctl: the same command line, records and signals, and no
// training. $R1_FAKE says how it behaves: "complete", "crash", "die", "wait", "deaf".
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "checkpoint/attempt.h"
#include "common/file.h"
#include "common/host.h"
#include "common/json.h"
#include "common/time.h"

namespace r1 {
namespace {

volatile std::sig_atomic_t stop = 0;

std::string environment(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : otherwise;
}

void pause_briefly() {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

class FakeRank {
  public:
    FakeRank(std::filesystem::path run, int attempt)
        : run_(std::move(run)),
          attempt_(attempt),
          rank_(std::stoi(environment("OMPI_COMM_WORLD_RANK", "0"))),
          ranks_(std::stoi(environment("OMPI_COMM_WORLD_SIZE", "1"))),
          behaviour_(environment("R1_FAKE", "complete")) {}

    int train() {
        listen();
        come_up();
        if (rank_ == 0) write_line(run_.evaluations(), evaluation("", "start", 0, 0.125));
        if (behaviour_ == "crash" && rank_ == 1) return crash();
        if (behaviour_ == "die" && rank_ == 1) ::raise(SIGKILL);
        std::int64_t step = 0;
        while (behaviour_ != "complete" ? stop == 0 || behaviour_ == "deaf" : step < kSteps) {
            ++step;
            if (rank_ == 0) write_line(run_.metrics(), metrics(step));
            pause_briefly();
        }
        const bool well = behaviour_ == "complete" || behaviour_ == "wait";
        if (rank_ == 0 && well) end(step);
        return 0;
    }

  private:
    static constexpr std::int64_t kSteps = 4;

    void listen() {
        for (const int number : {SIGUSR2, SIGTERM, SIGINT}) ::signal(number, [](int) { stop = 1; });
    }

    /// Rank 0 writes ranks.json when the others have said their pid.
    void come_up() {
        const auto mine = run_.attempt(attempt_) / ("pid" + std::to_string(rank_));
        write_file_durably(mine, std::to_string(::getpid()));
        if (rank_ != 0) return;
        std::vector<RankPlace> places;
        for (int rank = 0; rank < ranks_; ++rank) {
            const auto path = run_.attempt(attempt_) / ("pid" + std::to_string(rank));
            while (!std::filesystem::exists(path)) pause_briefly();
            places.push_back({rank, host_name(), std::stoll(read_file(path)), "cpu, 1 thread"});
        }
        write_ranks(run_, attempt_, places);
        std::cout << "all ranks are up" << std::endl;
    }

    int crash() {
        std::cerr << "about to fail" << std::endl;
        write_rank_error(run_, attempt_, {rank_, "node7", "HDF5: no space left on device", 4});
        return 4;
    }

    void end(std::int64_t step) {
        const bool completed = behaviour_ == "complete";
        if (completed) write_line(run_.evaluations(), evaluation("rl", "stage", step, 0.75));
        write_outcome(
            run_, attempt_,
            {completed ? Outcome::kCompleted : Outcome::kStopped, step, utc_milliseconds()});
    }

    Json metrics(std::int64_t step) const {
        return {{"schema", 1},
                {"attempt", attempt_},
                {"step", step},
                {"total_steps", kSteps},
                {"stage", "rl"},
                {"kind", "grpo"},
                {"stage_step", step},
                {"stage_steps", kSteps},
                {"time_ms", utc_milliseconds()},
                {"perf/throughput", 12345.0},
                {"perf/time_per_step", 0.01},
                {"perf/total_num_tokens", 100},
                {"critic/rewards/mean", 0.5},
                {"response_length/mean", 7.5},
                {"actor/kl_loss", 0.001}};
    }

    static Json evaluation(const char* stage, const char* when, std::int64_t step, double pass) {
        return {{"schema", 1},
                {"step", step},
                {"stage", stage},
                {"when", when},
                {"pass@1", pass},
                {"pass@1_low", pass - 0.03},
                {"pass@1_high", pass + 0.03},
                {"pass@k", pass + 0.1},
                {"k", 8},
                {"prompts", 64},
                {"samples", 8},
                {"time_ms", utc_milliseconds()}};
    }

    static void write_line(const std::filesystem::path& file, const Json& line) {
        LineAppender(file).append(line.dump());
    }

    RunDirectory run_;
    int attempt_;
    int rank_;
    int ranks_;
    std::string behaviour_;
};

int answer(const std::string& verb, const std::filesystem::path& output) {
    if (environment("R1_FAKE", "complete") == "crash") {
        std::cerr << "no checkpoint verifies\n";  // one write: two ranks say it
        return 5;
    }
    Json result = {{"schema", 1},
                   {"step", 4},
                   {"pass@1", 0.75},
                   {"pass@1_low", 0.72},
                   {"pass@1_high", 0.78},
                   {"pass@k", 0.9},
                   {"k", 8},
                   {"prompts", 64},
                   {"samples", 8},
                   {"truncated", 2},
                   {"verifier_errors", 0}};
    if (verb == "sample")
        result = {{"schema", 1}, {"step", 4}, {"completions", {{{"text", "46\n\x1b[2J"}}}}};
    write_record(output, result);
    return 0;
}

int run_fake(const std::vector<std::string>& arguments) {
    const auto value_of = [&](const std::string& name) -> std::string {
        for (std::size_t i = 1; i + 1 < arguments.size(); ++i)
            if (arguments[i] == name) return arguments[i + 1];
        return "";
    };
    if (arguments.at(0) == "train")
        return FakeRank(value_of("--run"), std::stoi(value_of("--attempt"))).train();
    return answer(arguments.at(0), value_of("--output"));
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    return r1::run_fake(std::vector<std::string>(argv + 1, argv + argc));
}
