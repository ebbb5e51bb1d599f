// SPDX-License-Identifier: Apache-2.0
// The keys of a recipe whose value is one of a few names.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace r1 {

enum class DeviceKind { kAuto, kCpu, kCuda };
enum class TaskKind { kAddition, kCountdown, kSort, kReverse, kFile };
enum class PromptTemplate { kPlain, kR1 };
enum class StageKind { kSft, kGrpo, kSample };
enum class Schedule { kConstant, kCosine };
/// How rewards of one group become advantages (conventions differ: docs/grpo.md).
enum class AdvantageKind { kVerl, kTrl, kGrpoZero, kNemoRl, kDrGrpo };
/// How token losses become one number.
enum class Aggregation { kTokenMean, kSeqMeanTokenSum, kSeqMeanTokenMean, kSeqMeanTokenSumNorm };
enum class KlEstimator { kK1, kK2, kK3 };
/// Runs that have the same bits: those on as many ranks, or on any number of them.
enum class Determinism { kSameRanks, kStrict };
/// What says that a checkpoint is due.
enum class SaveInterval { kSteps, kTime, kAuto };
/// Which ranks write a file of a checkpoint: one a node, or each.
enum class Writers { kNode, kRank };
/// Which value of a metric is best.
enum class Best { kHighest, kLowest };

/// In what the training computes; fp32 weights are kept in either.
enum class Precision { kAuto, kFp32, kBf16 };

/// The names of an enum as recipes write them, in the order of its values.
template <class Enum>
std::span<const std::string_view> choice_names();

template <>
std::span<const std::string_view> choice_names<DeviceKind>();
template <>
std::span<const std::string_view> choice_names<TaskKind>();
template <>
std::span<const std::string_view> choice_names<PromptTemplate>();
template <>
std::span<const std::string_view> choice_names<StageKind>();
template <>
std::span<const std::string_view> choice_names<Schedule>();
template <>
std::span<const std::string_view> choice_names<AdvantageKind>();
template <>
std::span<const std::string_view> choice_names<Aggregation>();
template <>
std::span<const std::string_view> choice_names<KlEstimator>();
template <>
std::span<const std::string_view> choice_names<Determinism>();
template <>
std::span<const std::string_view> choice_names<SaveInterval>();
template <>
std::span<const std::string_view> choice_names<Writers>();
template <>
std::span<const std::string_view> choice_names<Best>();
template <>
std::span<const std::string_view> choice_names<Precision>();

/// The name of one value: to_name(Schedule::kCosine) is "cosine".
template <class Enum>
std::string_view to_name(Enum value) {
    return choice_names<Enum>()[static_cast<std::size_t>(value)];
}

}  // namespace r1
