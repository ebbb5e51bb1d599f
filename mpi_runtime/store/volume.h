// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "checkpoint/file_layout.h"

namespace r1 {

/// A tensor of one rank alone, with its bytes.
struct LooseTensor {
    TensorInfo info;
    std::string bytes;
};

/// Tensors that the ranks hold together. All but `own` and `loose` is the same on every rank.
struct Volume {
    std::string prefix;  ///< of its files; that of a frozen volume names what is in it, for ever
    bool frozen =
        false;  ///< does not change: a checkpoint that finds it in the one before links it
    std::vector<TensorInfo> tensors;
    std::vector<std::vector<TensorRange>> ranges;  ///< by rank; see lay_out_files()
    std::vector<const void*> own;                  ///< where each of this rank's ranges begins
    std::vector<LooseTensor> loose;                ///< of the leader
};

}  // namespace r1
