// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "mpi_runtime/trainer/actor.h"
#include "mpi_runtime/trainer/section_reducer.h"

namespace r1 {

/// Splits the sequences of an update into shards, lets each rank add up the gradients of its own,
/// and sums them over the ranks in a fixed tree. Shards are the ranks, or in strict mode
/// training.gradient_shards whatever the number of ranks: the sums then have the same bits on any
/// number of them. A rank keeps one gradient in memory; in strict mode up to 2·log2(shards) + 1,
/// and log2(shards) + 1 when it has all shards. In ZeRO stages 2 and 3 a rank keeps its own range
/// of the gradient: micro-batches are summed over the ranks one by one, section by section, behind
/// the backward pass.
class GradientShards {
  public:
    /// Borrows all three. Throws Error (kUsage) for strict mode in ZeRO stages 2 and 3, which sum
    /// in another order.
    GradientShards(const Recipe& recipe, Communicator& comm, Actor& actor);

    /// Adds the gradient of a micro-batch of sequences to `gradients`, and what is summed over its
    /// tokens to `sums`.
    template <class Sums>
    using Work = std::function<void(const std::vector<std::size_t>& sequences,
                                    const Gradients<float>& gradients, Sums& sums)>;

    /// Works on every sequence once, on some rank; rows[i] tokens go through the model for sequence
    /// i. Collective. Then the actor's own_gradients() hold the sum over all, and the sums returned
    /// are over all, added in the same tree by their += from Sums().
    template <class Sums>
    Sums accumulate(const std::vector<std::int64_t>& rows, const Work<Sums>& work) {
        static_assert(std::is_trivially_copyable_v<Sums>);
        std::vector<Sums> sums(own_joins_.size());
        run(rows, [&](std::size_t shard, const auto& sequences, const auto& gradients) {
            work(sequences, gradients, sums[shard]);
        });
        const std::string_view own(reinterpret_cast<const char*>(sums.data()),
                                   sums.size() * sizeof(Sums));
        std::vector<Sums> open;
        std::size_t shard = 0;
        for (const std::string& bytes : comm_.all_gather(own)) {
            for (std::size_t at = 0; at < bytes.size(); at += sizeof(Sums), ++shard) {
                std::memcpy(&open.emplace_back(), bytes.data() + at, sizeof(Sums));
                for (int join = 0; join < all_joins_[shard]; ++join) {
                    open[open.size() - 2] += open.back();
                    open.pop_back();
                }
            }
        }
        return open.front();
    }

  private:
    using ShardWork = std::function<void(std::size_t shard, const std::vector<std::size_t>&,
                                         const Gradients<float>& gradients)>;
    /// `shard` counts the rank's own from 0.
    void run(const std::vector<std::int64_t>& rows, const ShardWork& work);
    /// Sums the parts of the ranks when each is whole, or as they come.
    void run_whole(const std::vector<std::vector<std::size_t>>& parts,
                   const std::vector<std::int64_t>& rows, const ShardWork& work);
    void run_by_section(const std::vector<std::vector<std::size_t>>& parts,
                        const std::vector<std::int64_t>& rows, const ShardWork& work);
    float* buffer(std::size_t index);

    Communicator& comm_;
    Actor& actor_;
    std::int64_t micro_batch_tokens_;
    int shards_;
    std::size_t first_ = 0;                  // of this rank's
    std::vector<int> own_joins_;             // by own shard
    std::vector<int> all_joins_;             // by shard
    std::vector<SumTerm> terms_;             // over the ranks
    std::vector<Array<float>> more_;         // buffers behind actor_.gradients(), made when needed
    std::optional<SectionReducer> reducer_;  // in ZeRO stages 2 and 3
};

}  // namespace r1
