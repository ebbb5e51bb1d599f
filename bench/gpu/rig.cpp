// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/rig.h"

#include <algorithm>

#include "common/random.h"

namespace r1::bench {

std::vector<float> quick_parameters(const ModelShape& shape) {
    const ParameterLayout layout(shape);
    // Of an odd length, so that no two rows of a matrix are the same.
    std::vector<float> block((std::size_t{1} << 18) - 5);
    RandomStream stream(make_key(1, Purpose::kInit), 0);
    for (float& value : block)
        value = static_cast<float>(shape.initializer_range * stream.normal());
    std::vector<float> values(layout.size(), 0.0f);
    for (const ParameterView& view : layout.views()) {
        float* const first = values.data() + view.offset;
        if (view.initial == InitialValue::kOne) std::fill_n(first, view.count, 1.0f);
        if (view.initial == InitialValue::kOne || view.initial == InitialValue::kZero) continue;
        for (std::size_t at = 0; at < view.count; at += block.size())
            std::copy_n(block.begin(), std::min(block.size(), view.count - at), first + at);
    }
    return values;
}

std::vector<std::int32_t> random_tokens(const ModelShape& shape, std::size_t count,
                                        std::uint32_t item) {
    RandomStream stream(make_key(1, Purpose::kPrompt), item);
    std::vector<std::int32_t> tokens;
    while (tokens.size() < count)
        tokens.push_back(
            static_cast<std::int32_t>(stream.below(static_cast<std::uint32_t>(shape.vocabulary))));
    return tokens;
}

PackedBatch random_batch(const ModelShape& shape, std::int32_t sequences, std::int32_t rows) {
    PackedBatch batch;
    for (std::int32_t i = 0; i < sequences; ++i) {
        const std::vector<std::int32_t> tokens =
            random_tokens(shape, static_cast<std::size_t>(rows) + 1, static_cast<std::uint32_t>(i));
        const std::span<const std::int32_t> all(tokens);
        batch.append(all.first(1), all.subspan(1));
    }
    return batch;
}

void MeanNegativeLogprob::evaluate(std::size_t, std::span<const double> logprob,
                                   std::span<const double>, std::span<double> gradient) {
    for (std::size_t i = 0; i < logprob.size(); ++i) {
        value -= weight_ * logprob[i];
        gradient[i] = -weight_;
    }
}

Rig::Rig(const ModelShape& shape, std::unique_ptr<WideBackend<float>> device,
         const ActorOptions& options)
    : device_(std::move(device)),
      comm_(make_self_communicator()),
      group_(make_tensor_group(*comm_, tensor_device(*device_), {}).group),
      actor_(make_actor(shape, *device_, {*comm_, *comm_, *group_}, options)) {}

double Rig::train(std::span<const PackedBatch> batches, const OptimizerSection& optimizer,
                  double learning_rate) {
    double tokens = 0;
    for (const PackedBatch& batch : batches) tokens += static_cast<double>(batch.targets.size());
    MeanNegativeLogprob loss(tokens);
    device_->zero(actor_->gradients(), actor_->layout().size() * sizeof(float));
    for (const PackedBatch& batch : batches)
        actor_->accumulate_gradient(actor_->gradients(), batch, 1.0, loss);
    actor_->update(optimizer, learning_rate);
    return loss.value;
}

OptimizerSection adamw_settings() {
    OptimizerSection optimizer;
    optimizer.beta1 = 0.9;
    optimizer.beta2 = 0.95;
    optimizer.epsilon = 1e-8;
    optimizer.weight_decay = 0.01;
    optimizer.max_grad_norm = 1;
    return optimizer;
}

}  // namespace r1::bench
