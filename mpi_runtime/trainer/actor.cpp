// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/actor.h"

#include <array>
#include <type_traits>

#include "common/error.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/model/model_slice.h"
#include "mpi_runtime/trainer/model_runner.h"
#include "mpi_runtime/trainer/whole_model.h"

namespace r1 {

namespace {

template <class T>
class ModelActor final : public Actor {
  public:
    ModelActor(const ModelShape& whole, Backend<T>& backend, const ActorGroups& groups,
               const ActorOptions& options)
        : backend_(backend),
          groups_(groups),
          policy_(slice_of(whole, groups), backend, groups.tensors, options.stage, groups.slices),
          runner_(policy_.model(), options.recompute),
          rollout_(policy_.model(), options.rollout) {
        if (groups.slices != nullptr)
            whole_ = std::make_unique<WholeModel>(whole, backend, groups.all, groups.tensors,
                                                  *groups.slices);
        if (options.reference)
            reference_ = Array<T>(backend, sharded() ? own().size() : policy_.size());
    }

    const ModelShape& shape() const override { return policy_.model().shape(); }
    const ParameterLayout& layout() const override { return policy_.model().layout(); }
    const ParameterShards& shards() const override { return policy_.shards(); }
    const ValueRange& own() const override { return policy_.own(); }
    ZeroStage stage() const override { return policy_.stage(); }
    WideBackend<float>& device() override { return backend_; }
    TensorGroup& group() override { return groups_.tensors; }
    bool is_slice() const override { return whole_ != nullptr; }
    const ParameterLayout& whole_layout() const override {
        return whole_ ? whole_->layout() : layout();
    }
    const ParameterShards& saved_shards() const override {
        return whole_ ? whole_->shards() : shards();
    }
    std::vector<float> own_of(std::span<const float> whole) const override {
        const std::vector<float> slice = whole_ ? whole_->cut(whole) : std::vector<float>();
        const std::span<const float> all = whole_ ? std::span<const float>(slice) : whole;
        const auto values = all.subspan(own().first, own().size());
        return {values.begin(), values.end()};
    }

    std::vector<Completion> generate(const std::vector<RolloutRequest>& requests,
                                     const RolloutOptions& options) override {
        const Array<T> gathered = gather(policy_.own_weights());
        return rollout_.generate(sharded() ? Weights<T>(gathered.data()) : policy_.weights(),
                                 requests, options);
    }
    std::vector<double> reference_logprobs(std::span<const PackedBatch> batches,
                                           double temperature) override {
        const Array<T> gathered = gather(reference_.data());
        const Weights<T> weights(sharded() ? gathered.data() : reference_.data());
        std::vector<double> all;
        for (const PackedBatch& batch : batches) {
            beat();
            const std::vector<double> some = runner_.logprobs(weights, batch, temperature);
            all.insert(all.end(), some.begin(), some.end());
        }
        return all;
    }
    void keep_reference() override {
        backend_.copy(reference_.data(), sharded() ? policy_.own_weights() : policy_.flat_weights(),
                      reference_.size() * sizeof(T));
    }

    void accumulate_gradient(const Gradients<float>& gradients, const PackedBatch& batch,
                             double temperature, TokenLoss& loss) override {
        runner_.accumulate_gradient(policy_.weights(), gradients, batch, temperature, loss);
    }
    void join_gradient(const Gradients<float>& gradients) override {
        runner_.join_gradient(policy_.weights(), gradients);
    }
    float* gradients() override { return policy_.gradients(); }
    float* own_gradients() override { return policy_.own_gradients(); }
    double update(const OptimizerSection& optimizer, double learning_rate) override {
        return policy_.update(groups_.data, optimizer, learning_rate);
    }
    std::int64_t updates() const override { return policy_.updates(); }
    void set_updates(std::int64_t updates) override { policy_.set_updates(updates); }

    const float* own_values(Kept kept) override;
    const float* saved_values(Kept kept) override;
    void set_moment(Kept kept, std::span<const float> own) override {
        float* const target =
            kept == Kept::kFirstMoment ? policy_.first_moment() : policy_.second_moment();
        backend_.to_device(target, own.data(), own.size_bytes());
    }
    void set_parameters(std::span<const float> whole) override {
        if (!whole_) return policy_.set_parameters(whole);
        policy_.set_parameters(whole_->cut(whole));
    }
    void set_reference(std::span<const float> whole) override {
        const std::vector<float> slice = whole_ ? whole_->cut(whole) : std::vector<float>();
        const std::span<const float> all = whole_ ? std::span<const float>(slice) : whole;
        const auto values = sharded() ? all.subspan(own().first, own().size()) : all;
        const std::vector<T> narrowed(values.begin(), values.end());
        reference_.load(narrowed.data(), narrowed.size());
    }

  private:
    static ModelShape slice_of(const ModelShape& whole, const ActorGroups& groups) {
        if (groups.slices == nullptr) return whole;
        return slice_shape(whole, groups.slices->rank(), groups.slices->size());
    }
    const T* own_reference() const { return reference_.data() + (sharded() ? 0 : own().first); }
    const float* own_floats(Kept kept);
    bool sharded() const { return policy_.stage() == ZeroStage::kWeights; }
    /// In ZeRO stage 3 the whole flat buffer of which each rank has `own`; otherwise nothing.
    Array<T> gather(const T* own) {
        if (!sharded()) return {};
        Array<T> whole(backend_, policy_.size());
        groups_.tensors.begin_gather(whole.data(), value_type_of<T>(), {0, policy_.size()},
                                     shards().ranges(), own);
        groups_.tensors.finish();
        return whole;
    }

    Backend<T>& backend_;
    ActorGroups groups_;
    Policy<T> policy_;
    ModelRunner<T> runner_;
    RolloutEngine<T> rollout_;
    Array<T> reference_;
    std::unique_ptr<WholeModel> whole_;         // when the rank has a slice
    std::array<std::vector<float>, 4> staged_;  // by Kept, where the host cannot read the device's
};

template <class T>
const float* ModelActor<T>::own_values(Kept kept) {
    std::vector<float>& staged = staged_[static_cast<std::size_t>(kept)];
    if (kept == Kept::kReference) {
        const T* const reference = own_reference();
        if constexpr (std::is_same_v<T, float>) {
            if (backend_.shares_host_memory()) return reference;
        }
        std::vector<T> values(own().size());
        backend_.to_host(values.data(), reference, values.size() * sizeof(T));
        staged.resize(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) staged[i] = static_cast<float>(values[i]);
        return staged.data();
    }
    const float* const values = own_floats(kept);
    if (backend_.shares_host_memory()) return values;
    staged.resize(own().size());
    backend_.to_host(staged.data(), values, staged.size() * sizeof(float));
    return staged.data();
}

/// Of all buffers but the reference, on the device.
template <class T>
const float* ModelActor<T>::own_floats(Kept kept) {
    if (kept == Kept::kParameters) return policy_.master();
    return kept == Kept::kFirstMoment ? policy_.first_moment() : policy_.second_moment();
}

template <class T>
const float* ModelActor<T>::saved_values(Kept kept) {
    if (!whole_) return own_values(kept);
    std::vector<float>& staged = staged_[static_cast<std::size_t>(kept)];
    if (kept == Kept::kReference) {
        Array<float> wide(backend_, own().size());
        backend_.widen(wide.data(), own_reference(), own().size());
        staged = whole_->gather(shards().ranges(), wide.data());
    } else {
        staged = whole_->gather(shards().ranges(), own_floats(kept));
    }
    return staged.data();
}

}  // namespace

std::unique_ptr<Actor> make_actor(const ModelShape& whole, WideBackend<float>& device,
                                  const ActorGroups& groups, const ActorOptions& options) {
    if (auto* const narrow = dynamic_cast<Backend<Bf16>*>(&device))
        return std::make_unique<ModelActor<Bf16>>(whole, *narrow, groups, options);
    if (auto* const wide = dynamic_cast<Backend<float>*>(&device))
        return std::make_unique<ModelActor<float>>(whole, *wide, groups, options);
    throw Error(ExitCode::kRunFailed,
                std::string("no model can be trained on the device '") + device.name() + "'");
}

}  // namespace r1
