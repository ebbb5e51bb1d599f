// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "kernels/array.h"
#include "kernels/backend.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/model/weights.h"

namespace r1 {

/// Sums the gradient over the ranks while the backward pass goes on, section by section, into the
/// owners' ranges (ZeRO stages 2 and 3): no rank has a whole gradient in memory. All ranks make the
/// same calls in the same order.
class SectionReducer final : public GradientCollector<float> {
  public:
    /// Borrows everything; the sums are added to `own`, which holds owners[group.rank()].
    SectionReducer(Device& device, TensorGroup& group, const ParameterLayout& layout,
                   std::span<const ValueRange> owners, float* own);

    float* open(std::size_t section) override;
    void close(std::size_t section) override;
    /// Every section that was closed is in the owners' ranges.
    void finish();

  private:
    struct Buffer {
        Array<float> values;
        bool open = false;
        TensorGroup::Ticket ticket = 0;
    };
    Buffer& buffer_of(std::size_t section);

    Device& device_;
    TensorGroup& group_;
    const ParameterLayout& layout_;
    std::span<const ValueRange> owners_;
    float* own_;
    // One layer is summed while the next is computed. The embedding and the end have their own,
    // since the output projection may be open during the whole pass.
    std::array<Buffer, 4> buffers_;
};

}  // namespace r1
