// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdio>

#include "common/error.h"
#include "mpi_runtime/tokenizer/tokenizer.h"

namespace r1 {

namespace {

constexpr std::int32_t kBytes = 256;
/// In the order of their ids, which are part of every checkpoint: append, never reorder.
constexpr std::array<std::string_view, 5> kSpecialNames = {"<|endoftext|>", "<think>", "</think>",
                                                           "<answer>", "</answer>"};
constexpr std::int32_t kVocabularySize = kBytes + static_cast<std::int32_t>(kSpecialNames.size());

/// 64-bit FNV-1a over the names, each ended by a zero byte.
std::uint64_t hash_of_names() {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
    for (const std::string_view name : kSpecialNames) {
        for (const char letter : name) mix(static_cast<unsigned char>(letter));
        mix(0);
    }
    return hash;
}

/// The special token with the longest name that `text` starts with, or -1.
std::int32_t special_at_start(std::string_view text) {
    std::int32_t found = -1;
    std::size_t longest = 0;
    for (std::size_t i = 0; i < kSpecialNames.size(); ++i) {
        if (kSpecialNames[i].size() > longest && text.starts_with(kSpecialNames[i])) {
            found = static_cast<std::int32_t>(i);
            longest = kSpecialNames[i].size();
        }
    }
    return found;
}

class ByteTokenizer final : public Tokenizer {
  public:
    std::int32_t vocabulary_size() const override { return kVocabularySize; }
    std::int32_t end_of_text() const override { return kBytes; }

    std::vector<std::int32_t> encode(std::string_view text) const override {
        std::vector<std::int32_t> ids;
        ids.reserve(text.size());
        while (!text.empty()) {
            const std::int32_t special = text.front() == '<' ? special_at_start(text) : -1;
            if (special >= 0) {
                ids.push_back(kBytes + special);
                text.remove_prefix(kSpecialNames[static_cast<std::size_t>(special)].size());
            } else {
                ids.push_back(static_cast<unsigned char>(text.front()));
                text.remove_prefix(1);
            }
        }
        return ids;
    }

    std::vector<std::int32_t> encode_plain(std::string_view text) const override {
        std::vector<std::int32_t> ids;
        ids.reserve(text.size());
        for (const char letter : text) ids.push_back(static_cast<unsigned char>(letter));
        return ids;
    }

    std::string decode(const std::vector<std::int32_t>& ids) const override {
        std::string text;
        text.reserve(ids.size());
        for (const std::int32_t id : ids) {
            if (id < 0 || id >= kVocabularySize) {
                throw Error(ExitCode::kRunFailed, "token id " + std::to_string(id) +
                                                      " does not exist: the tokenizer " +
                                                      fingerprint() + " has ids 0 to " +
                                                      std::to_string(kVocabularySize - 1));
            }
            if (id < kBytes) {
                text.push_back(static_cast<char>(id));
            } else {
                text.append(kSpecialNames[static_cast<std::size_t>(id - kBytes)]);
            }
        }
        return text;
    }

    std::string fingerprint() const override {
        std::array<char, 17> digits{};
        std::snprintf(digits.data(), digits.size(), "%016llx",
                      static_cast<unsigned long long>(hash_of_names()));
        return std::string("byte-1:") + digits.data();
    }
};

}  // namespace

std::unique_ptr<Tokenizer> make_byte_tokenizer() {
    return std::make_unique<ByteTokenizer>();
}

}  // namespace r1
