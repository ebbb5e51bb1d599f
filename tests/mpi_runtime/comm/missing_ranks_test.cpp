// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/missing_ranks.h"

#include <gtest/gtest.h>

#include <vector>

namespace r1 {
namespace {

constexpr double kLimit = 29.5;

/// The answers, by rank; nullopt for none. Rank 0 asks.
std::optional<std::string> find(const std::vector<std::optional<Collective>>& places) {
    const std::vector<std::string> names{"rank 4 on a", "rank 5 on a", "rank 6 on b"};
    std::vector<std::optional<std::string>> answers;
    for (const auto& place : places)
        answers.push_back(place ? std::optional(to_answer(*place)) : std::nullopt);
    const auto missing = find_missing(answers, names, *places[0], "begin_reduce", kLimit);
    if (!missing) return std::nullopt;
    EXPECT_EQ(missing->all_came, missing->text.find("all ranks came") == 0) << missing->text;
    return missing->text;
}

TEST(MissingRanks, RankWithoutAnAnswerIsNamed) {
    EXPECT_EQ(find({{{17, 30}}, std::nullopt, {{17, 3}}}),
              "rank 5 on a did not come to collective 17 (begin_reduce) within 30s; rank 4 on a, "
              "rank 6 on b wait there");
    EXPECT_EQ(find({{{17, 30}}, std::nullopt, std::nullopt}),
              "rank 5 on a, rank 6 on b did not come to collective 17 (begin_reduce) within 30s; "
              "rank 4 on a waits there");
}

TEST(MissingRanks, RankThatWaitsInAnEarlierOneIsNamed) {
    EXPECT_EQ(find({{{17, 30}}, {{17, 31}}, {{9, 29.5}}}),
              "rank 6 on b did not come to collective 17 (begin_reduce) within 30s; rank 4 on a, "
              "rank 5 on a wait there");
    // Seen from that one, which does not know what the others' is called.
    EXPECT_EQ(find({{{9, 40}}, {{17, 31}}, {{17, 29.5}}}),
              "rank 4 on a did not come to collective 17 within 30s; rank 5 on a, rank 6 on b wait "
              "there");
}

TEST(MissingRanks, RankThatGoesOnIsWaitedFor) {
    EXPECT_EQ(find({{{17, 30}}, {{17, 31}}, {{9, 2}}}), std::nullopt);
    EXPECT_EQ(find({{{17, 30}}, {{17, 31}}, {{17, 2}}}), std::nullopt);
    EXPECT_EQ(find({{{17, 30}}, {{17, 31}}, {{18, 0}}}),
              "rank 4 on a, rank 5 on a did not come to "
              "collective 18 within 30s; rank 6 on b "
              "waits there");
}

TEST(MissingRanks, WhereAllCameTheGpuHangs) {
    EXPECT_EQ(find({{{17, 30}}, {{17, 30}}, {{17, 40}}}),
              "all ranks came to collective 17 (begin_reduce), which did not end within 30s: a GPU "
              "or the network between them hangs; NCCL_DEBUG=INFO says more");
}

}  // namespace
}  // namespace r1
