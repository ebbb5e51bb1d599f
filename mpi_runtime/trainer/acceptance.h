// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mpi_runtime/tokenizer/tokenizer.h"
#include "mpi_runtime/trainer/rollout_batch.h"

namespace r1 {

/// Whether a text goes round in circles: some piece of 4 to 64 bytes stands in it three times in a
/// row and makes up at least a third of it.
bool repeats_itself(std::string_view text);

/// Rejection sampling: of each prompt's samples, in order, those that are correct and well-formed,
/// that do not repeat themselves, and of which no equal text was kept before; `keep` a prompt.
std::vector<const Sample*> accepted_samples(const std::vector<Sample>& samples,
                                            const Tokenizer& tokenizer, std::int64_t keep);

/// The completion's text, without the end-of-text token.
std::string completion_text(const Sample& sample, const Tokenizer& tokenizer);

}  // namespace r1
