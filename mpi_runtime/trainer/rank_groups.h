// SPDX-License-Identifier: Apache-2.0
// Who shares what. With parallel.tensor: t, rank r has slice r % t of the model, and the t ranks
// from a multiple of t on share one: they are neighbours, so that they are on one node.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "mpi_runtime/comm/communicator.h"

namespace r1 {

class RankGroups {
  public:
    /// Collective; borrows `all`. Throws Error (kUsage) on every rank as check_slices() does.
    RankGroups(Communicator& all, std::int32_t slices);

    Communicator& all() const { return all_; }
    /// Those that have the same slice: prompts, samples and gradients are spread over them. All
    /// ranks when each has the whole model.
    Communicator& data() const { return data_ ? *data_ : all_; }
    /// Those that share one model; null when each has it whole.
    Communicator* slices() const { return slices_.get(); }

  private:
    Communicator& all_;
    std::unique_ptr<Communicator> data_, slices_;
};

/// `nodes` are where the ranks are, by rank. Throws Error (kUsage) when they are no multiple of
/// `slices`, or when the slices of one model are not on one node.
void check_slices(std::span<const std::string> nodes, std::int32_t slices);

}  // namespace r1
