// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mpi_runtime/comm/tensor_group.h"

namespace r1 {

/// The ValueType of T.
template <class T>
constexpr ValueType value_type_of() {
    return sizeof(T) == 2   ? ValueType::kBfloat16
           : sizeof(T) == 4 ? ValueType::kFloat32
                            : ValueType::kFloat64;
}

}  // namespace r1
