// SPDX-License-Identifier: Apache-2.0
// Which checkpoints of a run stay, and how the others go.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace r1 {

/// Which checkpoints stay. Those marked keep (the end of a stage) always do, damaged ones too.
struct RetentionPolicy {
    std::int64_t keep_last = 2;   ///< at least 1
    std::int64_t keep_every = 0;  ///< those whose step is a multiple of it; 0: none
    std::int64_t keep_best = 0;   ///< the best by `best_metric`; of equal ones the newer
    std::string best_metric;      ///< a key of Manifest::metrics
    bool best_is_highest = true;
};

/// What retention knows of one checkpoint.
struct RetentionFact {
    std::int64_t step = 0;
    bool verified = false;  ///< all its bytes were read and are right
    bool keep = false;
    std::optional<double> metric;
};

/// The steps to remove, ascending. Pure. Only verified checkpoints fill a place of the policy, and
/// none is removed while no verified one would be left. One that does not verify is removed once
/// keep_last newer ones verify. `resumed_from` stays until two newer ones verify.
std::vector<std::int64_t> surplus(const std::vector<RetentionFact>& facts,
                                  const RetentionPolicy& policy,
                                  std::optional<std::int64_t> resumed_from);

/// The steps whose bytes decide what surplus() says, newest first: those that fill the places of
/// the newest and of the best if they are as they were written. Pure.
std::vector<std::int64_t> relied_on(const std::vector<RetentionFact>& facts,
                                    const RetentionPolicy& policy,
                                    std::optional<std::int64_t> resumed_from);

/// Removes what killed processes left behind: temporary folders, trash, and in the folders of
/// checkpoints files that a save moved or wrote there and no manifest names. Syncs the folders
/// first: until then a power loss may bring back names that need them. For the one writer of the
/// run, while no save is under way. Throws Error as apply() does, and when a folder cannot be
/// synced; then nothing is removed.
void remove_leftovers(const std::filesystem::path& checkpoints);

/// Removes old checkpoints of one run. For the one writer of the run. Remembers which ones it has
/// verified, so that each is read once. Not thread-safe.
class Retention {
  public:
    Retention(std::filesystem::path checkpoints, RetentionPolicy policy);
    /// The one that this process went on from: its bytes were verified.
    void resumed_from(std::int64_t step);
    /// The steps that apply() would remove now, ascending; verifies what it must know of for that.
    /// Nothing of that is read again by apply(). Empty when stopped.
    std::vector<std::int64_t> plan(std::stop_token stop = {});
    /// Verifies what it must know of, then removes the surplus. Nothing is read when nothing can be
    /// removed. With `stop` it ends early and removes nothing. Throws Error when a removal fails,
    /// after the others were tried.
    void apply(std::stop_token stop = {});

  private:
    /// One manifest as it lay on the disk: a step that is saved again has another.
    struct Identity {
        std::uint64_t inode = 0;
        std::int64_t modified_ns = 0;
        std::uint64_t bytes = 0;
        friend bool operator==(const Identity&, const Identity&) = default;
    };
    struct Known {
        Identity identity;
        bool examined = false;  ///< fact.verified says what was found; before, it is assumed
        RetentionFact fact;
    };

    void look(const std::vector<std::int64_t>& steps);
    void examine(std::int64_t step, std::stop_token stop);
    std::vector<RetentionFact> facts() const;

    std::filesystem::path checkpoints_;
    RetentionPolicy policy_;
    std::optional<std::int64_t> resumed_from_;
    std::map<std::int64_t, Known> known_;
};

}  // namespace r1
