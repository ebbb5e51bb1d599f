// SPDX-License-Identifier: Apache-2.0
// softmax(logits / temperature) over a vocabulary that the slices of a model divide (Shoeybi et al.
// 2019): they exchange three numbers a row, never the logits. Sampling alone needs whole rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/array.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/model/model_shape.h"

namespace r1 {

/// What one slice knows of a row.
struct SoftmaxPart {
    double log_sum = 0;  ///< log Σ exp(logit / temperature) over the slice's part
    double entropy = 0;  ///< of softmax over the part alone
    double scaled = 0;   ///< a logit / temperature: the target's, where the slice has it
};

/// The row over the whole vocabulary, as slice `own` needs it.
struct SoftmaxWhole {
    double logprob = 0;    ///< of the target
    double entropy = 0;    ///< H(shares) + Σ share · entropy of the part
    double log_share = 0;  ///< log of what the own part has of all probability
};

/// Merges the parts in their order; the target is in part `holder`.
SoftmaxWhole merge_softmax(std::span<const SoftmaxPart> parts, std::size_t holder, std::size_t own);

/// One slice's side of it. Every call is collective over the slices, which get the same bits.
template <class T>
class SliceSoftmax {
  public:
    /// Borrows the backend and the group of the slices. Rows come `chunk_rows` at a time at most.
    SliceSoftmax(Backend<T>& backend, const ModelShape& shape, TensorGroup& slices,
                 std::int32_t chunk_rows);

    struct Rows {
        std::vector<double> logprob, entropy;
    };
    /// `logits` [count, width of the part] of this slice; `targets` are ids on the device.
    Rows forward(const Wide<T>* logits, const std::int32_t* targets, std::int32_t count,
                 double temperature);
    /// d(loss)/d(logits) of this slice for the rows of the last forward(), given
    /// d(loss)/d(logprob). Not collective. `dlogits` may be the logits' memory when T is wide.
    void backward(T* dlogits, const Wide<T>* logits, std::span<const double> gradient);

    /// Room for logits [count, width of the part], which gather() puts together to
    /// [count, vocabulary].
    Wide<T>* room(std::int32_t count);
    void gather(Wide<T>* logits, std::int32_t count);

  private:
    static constexpr std::size_t kNumbers = 3;  // a row and slice

    void find_targets(const std::int32_t* targets, std::int32_t count);

    Backend<T>& backend_;
    ModelShape shape_;
    TensorGroup& slices_;
    TablePart part_;
    double temperature_ = 1;
    std::vector<std::int32_t> ids_;   // targets of the rows
    std::vector<double> log_shares_;  // of the rows
    Array<Wide<T>> numbers_, gradient_, gathered_;
    Array<std::int32_t> columns_, places_;  // of the targets in the part; 0 where it has them not
    Array<std::int32_t> held_columns_, held_places_;  // -1 there; none there
    Array<T> held_gradient_;
};

extern template class SliceSoftmax<Bf16>;
extern template class SliceSoftmax<float>;
extern template class SliceSoftmax<double>;

}  // namespace r1
