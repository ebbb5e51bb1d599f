// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "mpi_runtime/model/model_shape.h"

namespace r1::bench {

/// What `r1ctl plan` foresees in bytes for one bf16 GPU that makes steps of supervised fine-tuning
/// with `sequences` sequences of `rows` tokens in one micro-batch, by docs/plan.md, without the KV
/// cache of evaluations, of which there are none here.
double planned_memory(const ModelShape& shape, std::int32_t sequences, std::int32_t rows,
                      bool recompute);

}  // namespace r1::bench
