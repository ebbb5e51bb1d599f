// SPDX-License-Identifier: Apache-2.0
// Checkpoints that can be told apart: every one bears a number, on which its bytes depend. The only
// place of these tests that knows how checkpoints are written and read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace r1::crash {

/// What the checkpoint with a number holds; only the tensor "frozen" is the same in all.
class NumberedState {
  public:
    explicit NumberedState(std::int64_t number);
    const std::vector<TensorView>& views() const { return views_; }
    std::string text() const { return std::to_string(number_); }

  private:
    std::int64_t number_;
    std::vector<float> weights_;
    std::vector<double> moments_;
    std::vector<std::uint8_t> bytes_;
    std::vector<std::int64_t> frozen_;
    std::vector<TensorView> views_;
};

/// Saves the state of that number (from 1) as `step`.
void save_number(const std::filesystem::path& checkpoints, std::int64_t step, std::int64_t number);
void retain(const std::filesystem::path& checkpoints, std::int64_t keep_last);

/// Saves `count` tensors of up to 8 KiB, of which no page is all zeros.
void save_wide(const std::filesystem::path& checkpoints, std::int64_t step, int count);

/// A range of bytes of one file of a checkpoint.
struct Range {
    std::filesystem::path file;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};
struct Layout {
    std::vector<Range> data;      ///< the bytes of the tensors
    std::vector<Range> metadata;  ///< all others, the manifest's too
    std::vector<std::filesystem::path> files;
};
Layout layout_of(const std::filesystem::path& checkpoint);

/// Every tensor's bytes, in the manifest's order. Throws Error when one does not verify.
std::vector<std::string> read_tensors(const std::filesystem::path& checkpoint,
                                      const Manifest& manifest);
/// The number that the checkpoint bears, by a load of all its tensors. Throws Error when that
/// fails, and std::runtime_error when it does not and gives any other byte than that number's: a
/// wrong load.
std::int64_t load_number(const std::filesystem::path& checkpoint);
/// That of the newest that verifies; 0 when none does. Throws as load_number() does.
std::int64_t newest_number(const std::filesystem::path& checkpoints);

/// What has a folder and does not verify.
std::vector<std::string> damaged(const std::filesystem::path& checkpoints);
/// What lies in a checkpoint and is not named by its manifest; nothing where that cannot be read.
std::vector<std::string> strays(const std::filesystem::path& checkpoint);
/// Whatever lies in the folder and is no checkpoint, and the strays of all.
std::vector<std::string> leftovers(const std::filesystem::path& checkpoints);
/// For messages: "a, b".
std::string joined(const std::vector<std::string>& words);

}  // namespace r1::crash
