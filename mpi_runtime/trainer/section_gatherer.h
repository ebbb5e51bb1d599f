// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels/array.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/model/value_type.h"
#include "mpi_runtime/model/weights.h"

namespace r1 {

/// Weights of which every rank holds its own range alone (ZeRO stage 3): a section is gathered from
/// its owners when a pass asks for it, and the next one behind the work on it. The embedding and
/// the end stay until forget(); of the layers there are at most three. All ranks make the same
/// calls in the same order.
template <class T>
class SectionGatherer final : public WeightLoader<T> {
  public:
    /// Borrows everything; `own` holds the values of owners[group.rank()].
    SectionGatherer(Device& device, TensorGroup& group, const ParameterLayout& layout,
                    std::span<const ValueRange> owners, const T* own);

    const T* load(std::size_t section, std::size_t next) override;
    /// The weights have changed.
    void forget();

  private:
    static constexpr std::size_t kLayerSlots = 3;
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    struct Slot {
        Array<T> values;
        std::size_t section = kNone;
        TensorGroup::Ticket ticket = 0;
    };

    Slot& slot_of(std::size_t section);
    void begin(std::size_t section);

    Device& device_;
    TensorGroup& group_;
    const ParameterLayout& layout_;
    std::span<const ValueRange> owners_;
    const T* own_;
    std::array<Slot, kLayerSlots + 2> slots_;  // of the layers, of the embedding, of the end
};

extern template class SectionGatherer<Bf16>;
extern template class SectionGatherer<float>;

}  // namespace r1
