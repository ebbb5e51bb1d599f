// SPDX-License-Identifier: Apache-2.0
// The scored outputs of one rollout, as every rank holds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mpi_runtime/comm/communicator.h"

namespace r1 {

/// One output with its prompt, what the rollout recorded, and its scores.
struct Sample {
    std::uint32_t prompt_index = 0;
    std::uint32_t sample = 0;
    bool ended = false;
    bool verifier_error = false;
    double accuracy = 0;
    double format = 0;
    double reward = 0;
    double advantage = 0;
    std::vector<std::int32_t> prompt;
    std::vector<std::int32_t> tokens;
    std::vector<float> logprobs;            ///< of tokens, at rollout
    std::vector<float> reference_logprobs;  ///< of tokens; empty without a reference

    /// Rows that training it takes.
    std::int64_t rows() const {
        return static_cast<std::int64_t>(prompt.size() + tokens.size()) - 1;
    }
};

/// Every rank's samples, ordered by prompt and sample: the same on every rank. Collective.
std::vector<Sample> gather_samples(Communicator& comm, const std::vector<Sample>& own);

/// Bytes and back; the same program version writes and reads them.
std::string pack_samples(const std::vector<Sample>& samples);
/// Throws Error (kCheckpoint) when the bytes are not what pack_samples wrote.
std::vector<Sample> unpack_samples(std::string_view bytes);

}  // namespace r1
