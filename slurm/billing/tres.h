// SPDX-License-Identifier: Apache-2.0
// Slurm's trackable resources, as sacct and scontrol write them.
#pragma once

#include <string>
#include <string_view>

#include "slurm/billing/charge.h"

namespace r1 {

struct ParsedTres {
    Allocation allocated;
    std::string gpu_type;  ///< "h800"; "a100+h100" where there are several; empty: not told
    std::string refused;   ///< why it cannot be billed: parts of GPUs have no share that is known
};

/// Of "billing=8,cpu=8,gres/gpu:h800=8,gres/gpu=8,mem=1G,node=1"; an empty text is nothing at all.
/// Throws std::invalid_argument with a message for the user on text of another form.
ParsedTres parse_tres(std::string_view text);

}  // namespace r1
