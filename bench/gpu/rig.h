// SPDX-License-Identifier: Apache-2.0
// A model to train on the device, as a rank on its own has it.
#pragma once

#include <memory>
#include <vector>

#include "bench/gpu/bench.h"
#include "mpi_runtime/trainer/actor.h"

namespace r1::bench {

/// Random values for every parameter in a second or two, also of a model of billions: norms are 1,
/// biases 0, and matrices repeat a block of normal numbers.
std::vector<float> quick_parameters(const ModelShape& shape);

/// `count` tokens that no pattern makes easy.
std::vector<std::int32_t> random_tokens(const ModelShape& shape, std::size_t count,
                                        std::uint32_t item);

/// `sequences` sequences of `rows` rows in one batch, all but the first token in the loss.
PackedBatch random_batch(const ModelShape& shape, std::int32_t sequences, std::int32_t rows);

/// −Σ logprob / tokens.
class MeanNegativeLogprob final : public TokenLoss {
  public:
    explicit MeanNegativeLogprob(double tokens) : weight_(1 / tokens) {}
    void evaluate(std::size_t first, std::span<const double> logprob,
                  std::span<const double> entropy, std::span<double> gradient) override;
    double value = 0;

  private:
    double weight_;
};

class Rig {
  public:
    Rig(const ModelShape& shape, std::unique_ptr<WideBackend<float>> device,
        const ActorOptions& options);
    Actor& actor() { return *actor_; }
    WideBackend<float>& device() { return *device_; }
    /// One update from `batches`, as a stage makes it. Returns the loss.
    double train(std::span<const PackedBatch> batches, const OptimizerSection& optimizer,
                 double learning_rate);

  private:
    std::unique_ptr<WideBackend<float>> device_;
    std::unique_ptr<Communicator> comm_;
    std::unique_ptr<TensorGroup> group_;
    std::unique_ptr<Actor> actor_;
};

/// AdamW as recipes/addition-tiny.yaml has it.
OptimizerSection adamw_settings();

}  // namespace r1::bench
