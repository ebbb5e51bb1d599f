// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/array.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/model/transformer.h"
#include "mpi_runtime/trainer/parameter_shards.h"
#include "mpi_runtime/trainer/section_gatherer.h"
#include "recipes/recipe.h"

namespace r1 {

/// How much of the flat buffers a rank has in memory (Rajbhandari et al. 2020). Every rank always
/// has its own range of all of them.
enum class ZeroStage {
    kOptimizer = 1,  ///< whole weights, a whole gradient
    kGradients = 2,  ///< whole weights
    kWeights = 3,    ///< its own range of everything
};

/// The weights that are trained, with their gradient and AdamW's moments, in the Transformer's
/// layout; all copies of the weights have the same bits. T is what the model computes in: where it
/// is not float, each rank keeps float masters of its own range, which the optimizer steps.
template <class T>
class Policy {
  public:
    /// Borrows the backend and the groups: of the ranks that have the same weights, and of those
    /// that have the other slices of a model, null when there are none.
    Policy(const ModelShape& shape, Backend<T>& backend, TensorGroup& group,
           ZeroStage stage = ZeroStage::kOptimizer, TensorGroup* slices = nullptr);

    Transformer<T>& model() { return model_; }
    const Transformer<T>& model() const { return model_; }
    const ParameterShards& shards() const { return shards_; }
    /// The range of the flat buffers for which this rank keeps the optimizer's state.
    const ValueRange& own() const { return own_; }
    std::size_t size() const { return model_.layout().size(); }
    ZeroStage stage() const { return stage_; }

    /// For a training pass. Collective when the stage is kWeights, and so are its passes.
    Weights<T> weights();
    /// own().size() values: those from own().first on.
    T* own_weights() { return weights_.data() + (whole_weights() ? own_.first : 0); }
    float* master();
    float* first_moment() { return first_moment_.data(); }
    float* second_moment() { return second_moment_.data(); }
    float* own_gradients() { return gradients_.data() + (whole_gradients() ? own_.first : 0); }
    /// size() values; null when the stage keeps the own range alone.
    T* flat_weights() { return whole_weights() ? weights_.data() : nullptr; }
    float* gradients() { return whole_gradients() ? gradients_.data() : nullptr; }
    std::int64_t updates() const { return updates_; }
    void set_updates(std::int64_t updates) { updates_ = updates; }
    /// The whole flat buffer; the masters are its own range.
    void set_parameters(std::span<const float> host);

    void zero_gradients() { gradients_.zero(); }
    /// Clips the gradient by its norm, makes one AdamW step on the own range and exchanges the new
    /// weights. Each rank's own_gradients() hold the sum over the ranks (GradientShards).
    /// Collective; `comm` has the ranks of the group. Returns the norm of the whole model's
    /// gradient before clipping, which with the weights does not depend on the number of ranks when
    /// the gradient does not. Throws Error on every rank when the gradient is not finite: the
    /// weights are then as they were.
    double update(Communicator& comm, const OptimizerSection& optimizer, double learning_rate);

  private:
    bool whole_weights() const { return stage_ != ZeroStage::kWeights; }
    bool whole_gradients() const { return stage_ == ZeroStage::kOptimizer; }
    /// The squares of the own range by cell, and where the model is a slice by tensor too, without
    /// those that another slice counts.
    std::vector<double> own_squares();
    double gradient_norm(Communicator& comm);
    double sum_over_slices(double value);

    Backend<T>& backend_;
    TensorGroup& group_;
    TensorGroup* slices_;
    ZeroStage stage_;
    Transformer<T> model_;
    ParameterShards shards_;
    ValueRange own_;
    Array<T> weights_;        // whole, or the own range
    Array<float> master_;     // empty where T is float: the weights are masters then
    Array<float> gradients_;  // whole, or the own range
    Array<float> first_moment_, second_moment_;
    std::unique_ptr<SectionGatherer<T>> gatherer_;  // of the weights, in stage kWeights
    std::int64_t updates_ = 0;
};

extern template class Policy<Bf16>;
extern template class Policy<float>;

}  // namespace r1
