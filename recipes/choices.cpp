// SPDX-License-Identifier: Apache-2.0
#include "recipes/choices.h"

#include <array>

namespace r1 {

namespace {

constexpr std::array<std::string_view, 3> kDeviceNames{"auto", "cpu", "cuda"};
constexpr std::array<std::string_view, 5> kTaskKindNames{"addition", "countdown", "sort", "reverse",
                                                         "file"};
constexpr std::array<std::string_view, 2> kPromptTemplateNames{"plain", "r1"};
constexpr std::array<std::string_view, 3> kStageKindNames{"sft", "grpo", "sample"};
constexpr std::array<std::string_view, 2> kScheduleNames{"constant", "cosine"};
constexpr std::array<std::string_view, 5> kAdvantageKindNames{"verl", "trl", "grpo-zero", "nemo-rl",
                                                              "dr-grpo"};
constexpr std::array<std::string_view, 4> kAggregationNames{
    "token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"};
constexpr std::array<std::string_view, 3> kKlEstimatorNames{"k1", "k2", "k3"};
constexpr std::array<std::string_view, 2> kDeterminismNames{"same-ranks", "strict"};
constexpr std::array<std::string_view, 3> kSaveIntervalNames{"steps", "time", "auto"};
constexpr std::array<std::string_view, 2> kWritersNames{"node", "rank"};
constexpr std::array<std::string_view, 2> kBestNames{"highest", "lowest"};
constexpr std::array<std::string_view, 3> kPrecisionNames{"auto", "fp32", "bf16"};

}  // namespace

template <>
std::span<const std::string_view> choice_names<DeviceKind>() {
    return kDeviceNames;
}

template <>
std::span<const std::string_view> choice_names<TaskKind>() {
    return kTaskKindNames;
}

template <>
std::span<const std::string_view> choice_names<PromptTemplate>() {
    return kPromptTemplateNames;
}

template <>
std::span<const std::string_view> choice_names<StageKind>() {
    return kStageKindNames;
}

template <>
std::span<const std::string_view> choice_names<Schedule>() {
    return kScheduleNames;
}

template <>
std::span<const std::string_view> choice_names<AdvantageKind>() {
    return kAdvantageKindNames;
}

template <>
std::span<const std::string_view> choice_names<Aggregation>() {
    return kAggregationNames;
}

template <>
std::span<const std::string_view> choice_names<KlEstimator>() {
    return kKlEstimatorNames;
}

template <>
std::span<const std::string_view> choice_names<Determinism>() {
    return kDeterminismNames;
}

template <>
std::span<const std::string_view> choice_names<SaveInterval>() {
    return kSaveIntervalNames;
}

template <>
std::span<const std::string_view> choice_names<Writers>() {
    return kWritersNames;
}

template <>
std::span<const std::string_view> choice_names<Best>() {
    return kBestNames;
}

template <>
std::span<const std::string_view> choice_names<Precision>() {
    return kPrecisionNames;
}

}  // namespace r1
