// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/hang.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json.h"

namespace r1 {

namespace {

constexpr int kSchema = 1;

}  // namespace

void write_sign_of_life(const RunDirectory& run, int attempt, const SignOfLife& sign) {
    Json record;
    record["schema"] = kSchema;
    record["rank"] = sign.rank;
    record["node"] = sign.node;
    record["activity"] = sign.activity;
    record["in_collective"] = sign.in_collective;
    record["collectives"] = sign.collectives;
    record["seconds_since_beat"] = sign.seconds_since_beat;
    record["call"] = sign.call;
    write_record(run.attempt_hang(attempt, sign.rank), record);
}

Answers read_answers(const RunDirectory& run, int attempt, int ranks, const std::string& call) {
    Answers answers(static_cast<std::size_t>(ranks));
    for (int rank = 0; rank < ranks; ++rank) {
        try {
            const auto record = read_record(run.attempt_hang(attempt, rank), kSchema);
            if (!record || record->at("call") != call) continue;
            answers[static_cast<std::size_t>(rank)] =
                SignOfLife{rank,
                           record->at("node").get<std::string>(),
                           record->at("activity").get<std::string>(),
                           record->at("in_collective").get<bool>(),
                           record->at("collectives").get<std::int64_t>(),
                           record->at("seconds_since_beat").get<double>(),
                           call};
        } catch (const std::exception&) {
            continue;  // an answer that cannot be read says nothing
        }
    }
    return answers;
}

std::optional<int> find_suspect(const Answers& answers, double limit_seconds) {
    const SignOfLife* behind = nullptr;
    bool somebody_works = false;
    bool all_silent = true;
    for (std::size_t rank = 0; rank < answers.size(); ++rank)
        if (!answers[rank]) return static_cast<int>(rank);
    for (const auto& answer : answers) {
        const bool silent = answer->seconds_since_beat >= limit_seconds;
        all_silent = all_silent && silent;
        if (!answer->in_collective && silent) return answer->rank;
        somebody_works = somebody_works || !answer->in_collective;
        if (behind == nullptr || answer->collectives < behind->collectives) behind = &*answer;
    }
    // All wait in collectives, and none came by lately: they wait for each other.
    if (somebody_works || !all_silent || behind == nullptr) return std::nullopt;
    return behind->rank;
}

void Silence::look(double now, std::int64_t beats) {
    if (last_look_ && beats == beats_)
        seconds_ += std::min(now - *last_look_, longest_gap_);
    else
        seconds_ = 0;
    last_look_ = now;
    beats_ = beats;
}

}  // namespace r1
