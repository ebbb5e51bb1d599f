// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/gradient_shards.h"

#include <algorithm>

#include "common/error.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/trainer/sum_tree.h"
#include "mpi_runtime/trainer/work_split.h"

namespace r1 {

GradientShards::GradientShards(const Recipe& recipe, Communicator& comm, Actor& actor)
    : comm_(comm),
      actor_(actor),
      micro_batch_tokens_(recipe.training.micro_batch_tokens),
      shards_(recipe.deterministic == Determinism::kStrict
                  ? static_cast<int>(recipe.training.gradient_shards)
                  : comm.size()),
      all_joins_(local_joins(shards_, 0, shards_)),
      terms_(sum_over_ranks(shards_, comm.size())) {
    const auto [first, last] =
        even_part(static_cast<std::size_t>(shards_), comm.rank(), comm.size());
    first_ = first;
    own_joins_ = local_joins(shards_, static_cast<int>(first), static_cast<int>(last));
    if (actor.stage() == ZeroStage::kOptimizer) return;
    if (recipe.deterministic == Determinism::kStrict)
        throw Error(ExitCode::kUsage,
                    "deterministic: strict adds up whole gradients; use parallel.zero: 1 with it");
    reducer_.emplace(actor.device(), actor.group(), actor.layout(), actor.shards().ranges(),
                     actor.own_gradients());
}

float* GradientShards::buffer(std::size_t index) {
    if (index == 0) return actor_.gradients();
    while (more_.size() < index) more_.emplace_back(actor_.device(), actor_.layout().size());
    return more_[index - 1].data();
}

void GradientShards::run(const std::vector<std::int64_t>& rows, const ShardWork& work) {
    const std::vector<std::vector<std::size_t>> parts = balanced_parts(rows, shards_);
    if (reducer_) {
        run_by_section(parts, rows, work);
    } else {
        run_whole(parts, rows, work);
    }
}

void GradientShards::run_whole(const std::vector<std::vector<std::size_t>>& parts,
                               const std::vector<std::int64_t>& rows, const ShardWork& work) {
    WideBackend<float>& device = actor_.device();
    const std::size_t size = actor_.layout().size();
    std::size_t open = 0;
    for (std::size_t shard = 0; shard < own_joins_.size(); ++shard) {
        float* gradients = buffer(open++);
        device.zero(gradients, size * sizeof(float));
        for (const auto& sequences :
             micro_batches(parts[first_ + shard], rows, micro_batch_tokens_)) {
            beat();
            work(shard, sequences, gradients);
        }
        for (int join = 0; join < own_joins_[shard]; ++join, --open)
            device.accumulate(buffer(open - 2), buffer(open - 1), size);
    }
    std::vector<float*> buffers{actor_.gradients()};
    for (std::size_t i = 1; i < open; ++i) buffers.push_back(buffer(i));
    actor_.group().reduce_scatter(buffers, terms_, actor_.shards().ranges());
}

void GradientShards::run_by_section(const std::vector<std::vector<std::size_t>>& parts,
                                    const std::vector<std::int64_t>& rows, const ShardWork& work) {
    // A micro-batch is summed over the ranks while it is worked on, so every rank takes part in as
    // many as the rank that has most.
    std::size_t most = 0;
    for (const std::vector<std::size_t>& part : parts)
        most = std::max(most, micro_batches(part, rows, micro_batch_tokens_).size());
    const auto own = micro_batches(parts[first_], rows, micro_batch_tokens_);
    actor_.device().zero(actor_.own_gradients(), actor_.own().size() * sizeof(float));
    for (std::size_t i = 0; i < most; ++i) {
        beat();
        if (i < own.size()) {
            work(0, own[i], *reducer_);
        } else {
            actor_.join_gradient(*reducer_);
        }
    }
    reducer_->finish();
}

}  // namespace r1
