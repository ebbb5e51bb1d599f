// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "common/json.h"
#include "mpi_runtime/trainer/session.h"

namespace r1 {

/// The chance that k of n samples, c of them correct, drawn without replacement hold a correct one:
/// 1 − C(n − c, k) / C(n, k) (Chen et al. 2021). 1 <= k <= n.
double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k);

/// Held-out accuracy. The interval is of pass@1, 95%, from the spread over prompts.
struct EvaluationResult {
    std::int64_t prompts = 0;
    std::int64_t samples = 0;  ///< a prompt
    std::int64_t k = 0;
    double pass_at_1 = 0;
    double pass_at_1_low = 0;
    double pass_at_1_high = 0;
    double pass_at_k = 0;
    double format = 0;     ///< share of well-formed outputs
    double truncated = 0;  ///< share cut at the length limit
    double response_length = 0;
    std::int64_t verifier_errors = 0;
    std::int64_t tokens = 0;
};

/// From each prompt's number of correct samples.
EvaluationResult summarise_correct(std::span<const std::int64_t> correct, std::int64_t samples,
                                   std::int64_t k);

/// Samples held-out prompts 0 … prompts − 1 with the actor's weights, over all ranks. Collective;
/// the result is the same on every rank, and does not depend on how many there are.
EvaluationResult evaluate(Session& session, Actor& actor, const EvaluationSection& section);

/// The fields by the names of evaluations.jsonl ("pass@1", "pass@1_low", …).
Json to_json(const EvaluationResult& result);

}  // namespace r1
