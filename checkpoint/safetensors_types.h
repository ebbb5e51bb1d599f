// SPDX-License-Identifier: Apache-2.0
// The names that safetensors has for types. Folder-private.
#pragma once

#include <array>
#include <utility>

#include "checkpoint/tensor.h"

namespace r1 {

inline constexpr std::array<std::pair<TensorType, const char*>, 6> kSafetensorsTypes{
    {{TensorType::kFloat32, "F32"},
     {TensorType::kFloat64, "F64"},
     {TensorType::kInt32, "I32"},
     {TensorType::kInt64, "I64"},
     {TensorType::kUint8, "U8"},
     {TensorType::kBfloat16, "BF16"}}};

inline constexpr const char* kSafetensorsMetadata = "__metadata__";

}  // namespace r1
