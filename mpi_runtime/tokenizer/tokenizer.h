// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace r1 {

/// Text to token ids and back. decode(encode(x)) == x for every string of bytes.
class Tokenizer {
  public:
    virtual ~Tokenizer() = default;
    /// Number of ids; a model may pad its vocabulary beyond it.
    virtual std::int32_t vocabulary_size() const = 0;
    virtual std::int32_t end_of_text() const = 0;
    /// Names of special tokens in `text` become their ids. Only for text that we wrote.
    virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
    /// The same, but special tokens stay plain text: for whatever comes from outside.
    virtual std::vector<std::int32_t> encode_plain(std::string_view text) const = 0;
    /// Special tokens by their names. Throws Error on an id that does not exist.
    virtual std::string decode(const std::vector<std::int32_t>& ids) const = 0;
    /// Identity for checkpoints: equal hashes mean equal ids for every text.
    virtual std::string fingerprint() const = 0;
};

/// Ids 0–255 are bytes; then <|endoftext|>, <think>, </think>, <answer>, </answer>.
std::unique_ptr<Tokenizer> make_byte_tokenizer();

}  // namespace r1
