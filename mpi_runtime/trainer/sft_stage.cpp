// SPDX-License-Identifier: Apache-2.0
// Supervised fine-tuning: the mean negative log-probability of the demonstrations' tokens.
#include <nlohmann/json.hpp>

#include "common/time.h"
#include "mpi_runtime/trainer/demonstrations.h"
#include "mpi_runtime/trainer/gradient_shards.h"
#include "mpi_runtime/trainer/learning_rate.h"
#include "mpi_runtime/trainer/stage.h"

namespace r1 {

namespace {

class ImitationLoss final : public TokenLoss {
  public:
    ImitationLoss(double weight, double& sum) : weight_(weight), sum_(sum) {}
    void evaluate(std::size_t, std::span<const double> logprob, std::span<const double>,
                  std::span<double> gradient) override {
        for (std::size_t i = 0; i < logprob.size(); ++i) {
            sum_ -= weight_ * logprob[i];
            gradient[i] = -weight_;
        }
    }

  private:
    double weight_;
    double& sum_;
};

class SftStage final : public Stage {
  public:
    SftStage(Session& session, std::size_t index, Beginning beginning)
        : session_(session),
          section_(session.recipe.stages[index]),
          actor_(session.make_actor(section_)),
          shards_(session.recipe, session.data, *actor_),
          demonstrations_(make_demonstrations(session, index)) {
        if (beginning == Beginning::kOfRecipe)
            actor_->set_parameters(starting_parameters(session, index));
    }

    Metrics step(std::int64_t step) override;
    void save(Snapshot& snapshot) override { save_policy(snapshot, *actor_); }
    void restore(const SavedState& saved) override { restore_policy(session_, saved, *actor_); }
    Actor* actor() override { return actor_.get(); }

  private:
    double accumulate(const std::vector<Demonstration>& batch, double tokens_in_loss);

    Session& session_;
    const StageSection& section_;
    std::unique_ptr<Actor> actor_;
    GradientShards shards_;
    std::unique_ptr<Demonstrations> demonstrations_;
};

/// Sums the gradient over the batch; returns the loss.
double SftStage::accumulate(const std::vector<Demonstration>& batch, double tokens_in_loss) {
    std::vector<std::int64_t> rows;
    for (const Demonstration& demonstration : batch) rows.push_back(demonstration.rows());
    PackedBatch packed;
    return shards_.accumulate<double>(rows, [&](const std::vector<std::size_t>& members,
                                                const Gradients<float>& gradients, double& sum) {
        packed.clear();
        for (const std::size_t i : members) packed.append(batch[i].prompt, batch[i].completion);
        ImitationLoss loss(1 / tokens_in_loss, sum);
        actor_->accumulate_gradient(gradients, packed, 1.0, loss);
    });
}

Metrics SftStage::step(std::int64_t step) {
    const double begin = monotonic_seconds();
    std::vector<Demonstration> batch;
    double tokens_in_loss = 0;
    std::int64_t tokens = 0;
    for (std::int64_t i = 0; i < section_.batch_size; ++i) {
        batch.push_back(demonstrations_->at(step * section_.batch_size + i));
        tokens_in_loss += static_cast<double>(batch.back().completion.size());
        tokens += batch.back().rows();
    }
    const double loss = accumulate(batch, tokens_in_loss);
    const double rate = learning_rate_at(section_.optimizer, step, section_.steps);
    const double norm = actor_->update(section_.optimizer, rate);
    const double seconds = monotonic_seconds() - begin;
    return {{"sft/loss", loss},
            {"actor/grad_norm", norm},
            {"actor/lr", rate},
            {"perf/time_per_step", seconds},
            {"perf/total_num_tokens", static_cast<double>(tokens)},
            {"perf/throughput", static_cast<double>(tokens) / seconds}};
}

}  // namespace

std::unique_ptr<Stage> make_sft_stage(Session& session, std::size_t index, Beginning beginning) {
    return std::make_unique<SftStage>(session, index, beginning);
}

}  // namespace r1
