// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace r1 {

/// One prompt and how many outputs of it are wanted: samples [first_sample, first_sample + count).
struct RolloutRequest {
    std::uint32_t prompt_index = 0;  ///< names the prompt within its data stream; keys randomness
    std::vector<std::int32_t> prompt;
    std::uint32_t first_sample = 0;
    std::uint32_t count = 0;
};

/// One output. `tokens` ends with the end-of-text token when the model ended it.
struct Completion {
    std::uint32_t prompt_index = 0;
    std::uint32_t sample = 0;
    std::vector<std::int32_t> tokens;
    std::vector<float> logprobs;  ///< of each token, under softmax(logits / temperature)
    bool ended = false;           ///< false: cut at the length limit
};

}  // namespace r1
