// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/acceptance.h"

#include <algorithm>
#include <set>

namespace r1 {

bool repeats_itself(std::string_view text) {
    constexpr std::size_t kShortest = 4;
    constexpr std::size_t kLongest = 64;
    for (std::size_t period = kShortest; period <= std::min(kLongest, text.size() / 3); ++period) {
        std::size_t run = 0;  // how many bytes in a row equal the byte one period before
        for (std::size_t i = period; i < text.size(); ++i) {
            run = text[i] == text[i - period] ? run + 1 : 0;
            const std::size_t repeated = run + period;
            if (repeated >= 3 * period && 3 * repeated >= text.size()) return true;
        }
    }
    return false;
}

std::string completion_text(const Sample& sample, const Tokenizer& tokenizer) {
    std::vector<std::int32_t> tokens = sample.tokens;
    if (sample.ended) tokens.pop_back();
    return tokenizer.decode(tokens);
}

std::vector<const Sample*> accepted_samples(const std::vector<Sample>& samples,
                                            const Tokenizer& tokenizer, std::int64_t keep) {
    std::vector<const Sample*> accepted;
    std::set<std::string> kept_texts;
    std::int64_t kept = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const Sample& sample = samples[i];
        if (i == 0 || sample.prompt_index != samples[i - 1].prompt_index) {
            kept_texts.clear();
            kept = 0;
        }
        if (kept == keep || sample.accuracy < 1 || sample.format < 1) continue;
        const std::string text = completion_text(sample, tokenizer);
        if (repeats_itself(text) || !kept_texts.insert(text).second) continue;
        accepted.push_back(&sample);
        ++kept;
    }
    return accepted;
}

}  // namespace r1
