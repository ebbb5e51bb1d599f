// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/gradient_shards.h"

#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/trainer/sum_tree.h"
#include "mpi_runtime/trainer/work_split.h"

namespace r1 {

GradientShards::GradientShards(const Recipe& recipe, Communicator& comm, Policy& policy)
    : comm_(comm),
      policy_(policy),
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
}

float* GradientShards::buffer(std::size_t index) {
    if (index == 0) return policy_.gradients();
    while (more_.size() < index) more_.emplace_back(policy_.model().backend(), policy_.size());
    return more_[index - 1].data();
}

void GradientShards::run(const std::vector<std::int64_t>& rows, const ShardWork& work) {
    Backend<float>& backend = policy_.model().backend();
    const std::size_t size = policy_.size();
    const std::vector<std::vector<std::size_t>> parts = balanced_parts(rows, shards_);
    std::size_t open = 0;
    for (std::size_t shard = 0; shard < own_joins_.size(); ++shard) {
        float* gradients = buffer(open++);
        backend.zero(gradients, size * sizeof(float));
        for (const auto& sequences :
             micro_batches(parts[first_ + shard], rows, micro_batch_tokens_)) {
            beat();
            work(shard, sequences, gradients);
        }
        for (int join = 0; join < own_joins_[shard]; ++join, --open)
            backend.add(buffer(open - 2), buffer(open - 1), size);
    }
    std::vector<float*> buffers{policy_.gradients()};
    for (std::size_t i = 1; i < open; ++i) buffers.push_back(buffer(i));
    comm_.reduce_scatter(buffers, terms_, policy_.shards().ranges());
}

}  // namespace r1
