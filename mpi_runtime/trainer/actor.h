// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/comm/tensor_group.h"
#include "mpi_runtime/model/output_head.h"
#include "mpi_runtime/rollout/rollout_engine.h"
#include "mpi_runtime/trainer/parameter_shards.h"
#include "mpi_runtime/trainer/policy.h"
#include "recipes/recipe.h"

namespace r1 {

/// The flat buffers of which each rank keeps its own range between steps.
enum class Kept { kParameters, kFirstMoment, kSecondMoment, kReference };

/// The model that a stage trains or samples from, with the engines that do so, on the rank's device
/// and in the recipe's precision. Its flat buffers, gradients and masters are float in every
/// precision. Every call is collective unless it says otherwise.
class Actor {
  public:
    virtual ~Actor() = default;

    // Not collective: what it is made of.
    virtual const ModelShape& shape() const = 0;
    virtual const ParameterLayout& layout() const = 0;
    virtual const ParameterShards& shards() const = 0;
    virtual const ValueRange& own() const = 0;
    virtual ZeroStage stage() const = 0;
    virtual WideBackend<float>& device() = 0;
    /// Of the ranks that share the flat buffers of shards().
    virtual TensorGroup& group() = 0;

    // Not collective: the whole model, which layout() has a slice of when ranks share one. Files
    // have nothing else.
    virtual bool is_slice() const = 0;
    virtual const ParameterLayout& whole_layout() const = 0;
    /// What each rank of the run saves.
    virtual const ParameterShards& saved_shards() const = 0;
    /// own().size() values of the slice, out of a whole flat buffer.
    virtual std::vector<float> own_of(std::span<const float> whole) const = 0;

    /// Every requested output, sampled from the weights as they are.
    virtual std::vector<Completion> generate(const std::vector<RolloutRequest>& requests,
                                             const RolloutOptions& options) = 0;
    /// Log-probabilities of the batches' targets under the reference, one batch behind the other.
    virtual std::vector<double> reference_logprobs(std::span<const PackedBatch> batches,
                                                   double temperature) = 0;
    /// The weights as they are now become the reference.
    virtual void keep_reference() = 0;

    /// Adds the gradient of `loss` over the batch to `gradients`. Collective in ZeRO stage 3, and
    /// with a collector.
    virtual void accumulate_gradient(const Gradients<float>& gradients, const PackedBatch& batch,
                                     double temperature, TokenLoss& loss) = 0;
    /// What a rank without a batch does while others make one of those calls.
    virtual void join_gradient(const Gradients<float>& gradients) = 0;
    /// The whole gradient, or null in ZeRO stages 2 and 3; and the own range of it. Not collective.
    virtual float* gradients() = 0;
    virtual float* own_gradients() = 0;
    /// See Policy::update().
    virtual double update(const OptimizerSection& optimizer, double learning_rate) = 0;
    virtual std::int64_t updates() const = 0;
    virtual void set_updates(std::int64_t updates) = 0;

    /// own().size() values in host memory, which stay until the next call for the same buffer, or
    /// until the buffer changes. Not collective.
    virtual const float* own_values(Kept kept) = 0;
    /// What this rank saves of the buffer by saved_shards(), as long.
    virtual const float* saved_values(Kept kept) = 0;
    /// The own range of a moment. Not collective.
    virtual void set_moment(Kept kept, std::span<const float> own) = 0;
    /// The whole model's flat buffer, the same on every rank. Not collective.
    virtual void set_parameters(std::span<const float> whole) = 0;
    virtual void set_reference(std::span<const float> whole) = 0;
};

/// How an actor is built; see the recipe's sections `parallel` and `training`.
struct ActorOptions {
    ZeroStage stage = ZeroStage::kOptimizer;
    bool recompute = false;
    bool reference = false;  ///< keeps one
    RolloutLimits rollout;
};

/// The ranks that an actor works with; see RankGroups.
struct ActorGroups {
    Communicator& all;
    Communicator& data;
    TensorGroup& tensors;           ///< of `data`
    TensorGroup* slices = nullptr;  ///< those that share one model
};

/// Of a whole model, of which the rank has a slice when there are some. Computes in bf16 when the
/// device is a Backend<Bf16>, in fp32 when it is a Backend<float>. Borrows the device and the
/// groups. Throws Error (kUsage) when the slices do not divide the model.
std::unique_ptr<Actor> make_actor(const ModelShape& whole, WideBackend<float>& device,
                                  const ActorGroups& groups, const ActorOptions& options);

}  // namespace r1
