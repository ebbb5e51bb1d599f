// SPDX-License-Identifier: Apache-2.0
// Counter-based randomness: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC'11). A number is a pure function of what it is for, so there is no state to save and
// nothing depends on the number of ranks, on the batch, or on an interruption.
#pragma once

#include <array>
#include <cstdint>

namespace r1 {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// The bijection itself; equals the published test vectors.
PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key);

/// What a number is drawn for. Part of the key, so that two uses never share a stream. The values
/// are part of the run's identity: append, never renumber.
enum class Purpose : std::uint32_t {
    kInit = 1,      ///< initial weights
    kPrompt = 2,    ///< the training prompts of a task
    kHeldOut = 3,   ///< the held-out prompts of a task
    kTeacher = 4,   ///< worked solutions and their flaws
    kSample = 5,    ///< the tokens of a rollout
    kShuffle = 6,   ///< the split of a rollout in mini-batches, and the order of a data set
    kControl = 7,   ///< the shuffled rewards of the negative control
    kEvaluate = 8,  ///< the tokens of an evaluation
};

/// The key of one purpose in one stage of a run.
PhiloxKey make_key(std::uint64_t seed, Purpose purpose, std::uint32_t stage = 0);

/// Maps 32 random bits to [0, 1): a multiple of 2^-32.
inline double to_unit(std::uint32_t bits) {
    return static_cast<double>(bits) * 0x1p-32;
}

/// A stream of numbers for the item (a, b, c). Cheap to make; make one where it is needed.
class RandomStream {
  public:
    RandomStream(PhiloxKey key, std::uint32_t a, std::uint32_t b = 0, std::uint32_t c = 0)
        : key_(key), counter_{0, a, b, c} {}

    std::uint32_t bits();
    double uniform() { return to_unit(bits()); }
    /// Uniform in [0, n), without bias. n > 0.
    std::uint32_t below(std::uint32_t n);
    /// Uniform in [low, high].
    std::int64_t between(std::int64_t low, std::int64_t high);
    /// Standard normal (Box-Muller; two draws a call).
    double normal();

  private:
    PhiloxKey key_;
    PhiloxCounter counter_;
    PhiloxCounter block_{};
    unsigned used_ = 4;
};

}  // namespace r1
