// SPDX-License-Identifier: Apache-2.0
// Group-relative policy optimisation (Shao et al. 2024), with the knobs that DeepSeek-R1 published.
// A step is one policy update; a rollout feeds inner_epochs × rollout_size / update_size of them.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/trainer/advantage.h"
#include "mpi_runtime/trainer/gradient_shards.h"
#include "mpi_runtime/trainer/grpo_loss.h"
#include "mpi_runtime/trainer/learning_rate.h"
#include "mpi_runtime/trainer/rollout_batch.h"
#include "mpi_runtime/trainer/rollout_statistics.h"
#include "mpi_runtime/trainer/shuffle.h"
#include "mpi_runtime/trainer/stage.h"
#include "mpi_runtime/trainer/work_split.h"

namespace r1 {

namespace {

class GrpoStage final : public Stage {
  public:
    GrpoStage(Session& session, std::size_t index, Beginning beginning);
    Metrics step(std::int64_t step) override;
    void save(Snapshot& snapshot) override;
    void restore(const SavedState& saved) override;
    Actor* actor() override { return actor_.get(); }

  private:
    std::int64_t update_size() const { return section_.prompts_per_step * section_.group_size; }
    std::int64_t updates_per_epoch() const { return section_.rollout_size / update_size(); }
    std::int64_t updates_per_rollout() const { return section_.inner_epochs * updates_per_epoch(); }
    bool uses_reference() const { return section_.kl_coefficient > 0; }
    /// The limit that holds for the whole rollout which `step` trains on.
    std::int64_t max_new_tokens(std::int64_t step) const;
    void refresh_reference(std::int64_t step);
    void roll_out(std::int64_t step, PhaseTimes& times);
    void add_reference_logprobs(std::vector<Sample>& own);
    void set_advantages(std::int64_t step);
    void check_rollout(const std::vector<Sample>& rollout) const;
    std::vector<std::size_t> update_members(std::int64_t step) const;
    GrpoSums accumulate(std::int64_t step, const std::vector<std::size_t>& members);
    bool in_loss(const Sample& sample) const {
        return !sample.verifier_error && !(section_.mask_truncated && !sample.ended);
    }

    Session& session_;
    const StageSection& section_;
    std::size_t index_;
    std::unique_ptr<Actor> actor_;
    GradientShards shards_;
    std::int64_t reference_step_ = 0;  // at which the reference was last replaced
    std::vector<Sample> rollout_;      // the same on every rank
};

GrpoStage::GrpoStage(Session& session, std::size_t index, Beginning beginning)
    : session_(session),
      section_(session.recipe.stages[index]),
      index_(index),
      actor_(session.make_actor(section_, uses_reference())),
      shards_(session.recipe, session.data, *actor_) {
    if (beginning == Beginning::kOfRecipe)
        actor_->set_parameters(starting_parameters(session, index));
    if (uses_reference()) actor_->keep_reference();
}

std::int64_t GrpoStage::max_new_tokens(std::int64_t step) const {
    const std::int64_t drawn_at = step - step % updates_per_rollout();
    const bool switched =
        section_.max_new_tokens_switch_step > 0 && drawn_at >= section_.max_new_tokens_switch_step;
    return switched ? section_.max_new_tokens_after : section_.sampling.max_new_tokens;
}

/// Replaces the reference when a multiple of reference_every was reached since the last time.
void GrpoStage::refresh_reference(std::int64_t step) {
    const std::int64_t every = section_.reference_every;
    if (!uses_reference() || every == 0 || step / every == reference_step_ / every) return;
    actor_->keep_reference();
    reference_step_ = step;
}

void GrpoStage::roll_out(std::int64_t step, PhaseTimes& times) {
    const std::int64_t rollout = step / updates_per_rollout();
    SampleOrder order;
    order.prompts = section_.rollout_size / section_.group_size;
    order.first_prompt = prompt_number(index_, rollout * order.prompts);
    order.group_size = section_.group_size;
    order.options.rule = {section_.sampling.temperature, section_.sampling.top_p,
                          static_cast<std::int32_t>(section_.sampling.top_k)};
    order.options.max_new_tokens = static_cast<std::int32_t>(max_new_tokens(step));
    order.options.end_of_text = session_.tokenizer->end_of_text();
    order.options.key =
        make_key(session_.recipe.seed, Purpose::kSample, static_cast<std::uint32_t>(index_));
    order.options.step = static_cast<std::uint32_t>(step);
    std::vector<Sample> own = generate_samples(session_, *actor_, order);
    times.end_phase("rollout");
    if (uses_reference()) {
        add_reference_logprobs(own);
        times.end_phase("reference");
    }
    rollout_ = gather_samples(session_.data, own);
    set_advantages(step);
    times.end_phase("exchange");
}

void GrpoStage::add_reference_logprobs(std::vector<Sample>& own) {
    std::vector<std::int64_t> rows;
    std::vector<std::size_t> all;
    for (const Sample& sample : own) {
        all.push_back(all.size());
        rows.push_back(sample.rows());
    }
    const auto batches = micro_batches(all, rows, session_.recipe.training.micro_batch_tokens);
    std::vector<PackedBatch> packed;
    for (const auto& members : batches) {
        packed.emplace_back();
        for (const std::size_t i : members) packed.back().append(own[i].prompt, own[i].tokens);
    }
    const std::vector<double> logprobs =
        actor_->reference_logprobs(packed, section_.sampling.temperature);
    auto next = logprobs.begin();
    for (const auto& members : batches) {
        for (const std::size_t i : members) {
            const auto end = next + static_cast<std::ptrdiff_t>(own[i].tokens.size());
            own[i].reference_logprobs.assign(next, end);
            next = end;
        }
    }
}

void GrpoStage::set_advantages(std::int64_t step) {
    std::vector<double> rewards;
    for (const Sample& sample : rollout_) rewards.push_back(sample.reward);
    if (section_.shuffle_rewards) {
        const PhiloxKey key =
            make_key(session_.recipe.seed, Purpose::kControl, static_cast<std::uint32_t>(index_));
        const std::vector<std::size_t> order =
            shuffled_order(rewards.size(), key, static_cast<std::uint32_t>(step), 0);
        for (std::size_t i = 0; i < order.size(); ++i) rewards[i] = rollout_[order[i]].reward;
    }
    const auto group = static_cast<std::size_t>(section_.group_size);
    for (std::size_t first = 0; first < rollout_.size(); first += group) {
        // A sample that the verifier failed on says nothing about the others of its group.
        std::vector<std::size_t> judged;
        std::vector<double> judged_rewards;
        for (std::size_t i = first; i < first + group; ++i) {
            if (rollout_[i].verifier_error) continue;
            judged.push_back(i);
            judged_rewards.push_back(rewards[i]);
        }
        if (judged.empty()) continue;
        const std::vector<double> advantages = group_advantages(judged_rewards, section_.advantage);
        for (std::size_t i = 0; i < judged.size(); ++i)
            rollout_[judged[i]].advantage = advantages[i];
    }
}

/// The samples of one update: a random mini-batch of the rollout, another split in every epoch.
std::vector<std::size_t> GrpoStage::update_members(std::int64_t step) const {
    const std::int64_t rollout = step / updates_per_rollout();
    const std::int64_t within = step % updates_per_rollout();
    const PhiloxKey key =
        make_key(session_.recipe.seed, Purpose::kShuffle, static_cast<std::uint32_t>(index_));
    const std::vector<std::size_t> order =
        shuffled_order(rollout_.size(), key, static_cast<std::uint32_t>(rollout),
                       static_cast<std::uint32_t>(within / updates_per_epoch()));
    const auto size = static_cast<std::ptrdiff_t>(update_size());
    const auto first = order.begin() + (within % updates_per_epoch()) * size;
    std::vector<std::size_t> members(first, first + size);
    std::sort(members.begin(), members.end());
    return members;
}

/// Sums the update's gradient; returns what the metrics need of it.
GrpoSums GrpoStage::accumulate(std::int64_t step, const std::vector<std::size_t>& members) {
    double tokens = 0;
    double sequences = 0;
    std::vector<std::int64_t> rows;
    for (const std::size_t i : members) {
        rows.push_back(rollout_[i].rows());
        if (!in_loss(rollout_[i])) continue;
        tokens += static_cast<double>(rollout_[i].tokens.size());
        sequences += 1;
    }
    const auto limit = static_cast<double>(max_new_tokens(step));
    const auto weight = [&](const Sample& sample) {
        if (!in_loss(sample)) return 0.0;
        return token_weight(section_.aggregation, static_cast<double>(sample.tokens.size()), tokens,
                            sequences, limit);
    };
    PackedBatch packed;
    return shards_.accumulate<GrpoSums>(
        rows, [&](const std::vector<std::size_t>& batch, const Gradients<float>& gradients,
                  GrpoSums& sums) {
            packed.clear();
            std::vector<GrpoToken> loss_tokens;
            for (const std::size_t place : batch) {
                const Sample& sample = rollout_[members[place]];
                packed.append(sample.prompt, sample.tokens);
                for (std::size_t t = 0; t < sample.tokens.size(); ++t)
                    loss_tokens.push_back({sample.logprobs[t],
                                           uses_reference() ? sample.reference_logprobs[t] : 0.0,
                                           sample.advantage, weight(sample)});
            }
            GrpoLoss loss(std::move(loss_tokens),
                          {section_.clip_low, section_.clip_high, section_.dual_clip},
                          section_.kl_coefficient, section_.kl_estimator, sums);
            actor_->accumulate_gradient(gradients, packed, section_.sampling.temperature, loss);
        });
}

Metrics GrpoStage::step(std::int64_t step) {
    PhaseTimes times;
    const bool on_policy = step % updates_per_rollout() == 0;
    if (on_policy) {
        refresh_reference(step);
        roll_out(step, times);
    }
    if (static_cast<std::int64_t>(rollout_.size()) != section_.rollout_size)
        throw Error(ExitCode::kCheckpoint,
                    "the checkpoint lacks the rollout in the middle of which stage " +
                        section_.name + " was saved");
    const std::vector<std::size_t> members = update_members(step);
    const GrpoSums sums = accumulate(step, members);
    const double rate = learning_rate_at(section_.optimizer, step, section_.steps);
    const double norm = actor_->update(section_.optimizer, rate);
    times.end_phase("update");

    Metrics metrics = rollout_metrics(rollout_, members, section_.group_size);
    const double tokens = std::max(sums.tokens, 1.0);
    metrics.insert(metrics.end(), {{"actor/pg_loss", sums.policy_loss},
                                   {"actor/kl_loss", sums.kl_loss},
                                   {"actor/ppo_kl", sums.old_minus_new / tokens},
                                   {"actor/pg_clipfrac", sums.clipped / tokens},
                                   {"actor/entropy", sums.entropy / tokens},
                                   {"actor/grad_norm", norm},
                                   {"actor/lr", rate}});
    if (on_policy) {
        const double difference = sums.probability_difference / tokens;
        const std::string doubt = rollout_disagreement(difference);
        if (session_.leader() && !doubt.empty()) log_warning(doubt);
        metrics.emplace_back("training/rollout_probs_diff_mean", difference);
        metrics.emplace_back("training/rollout_probs_diff_max", sums.max_probability_difference);
    }
    times.append_to(metrics, trained_rows(rollout_, members));
    return metrics;
}

void GrpoStage::save(Snapshot& snapshot) {
    save_policy(snapshot, *actor_);
    if (uses_reference()) {
        const std::string content = std::to_string(index_) + "-" + std::to_string(reference_step_);
        snapshot.add_frozen("reference", content, actor_->whole_layout(), actor_->saved_shards(),
                            actor_->saved_values(Kept::kReference));
        snapshot.state()["reference_step"] = reference_step_;
    }
    // In the middle of a rollout its samples are state: the weights that drew them are gone.
    if (session_.leader() && actor_->updates() % updates_per_rollout() != 0)
        snapshot.add_bytes("rollout/samples", pack_samples(rollout_));
}

/// What a checkpoint says is checked before it is used as an index or a length.
void GrpoStage::check_rollout(const std::vector<Sample>& rollout) const {
    const ModelShape shape = session_.shape_of(section_);
    const auto known = [&](std::int32_t id) { return id >= 0 && id < shape.vocabulary; };
    for (const Sample& sample : rollout) {
        const std::size_t length = sample.tokens.size();
        const bool whole = length > 0 && !sample.prompt.empty() &&
                           sample.rows() <= shape.max_positions &&
                           sample.logprobs.size() == length &&
                           sample.reference_logprobs.size() == (uses_reference() ? length : 0);
        if (!whole || !std::all_of(sample.prompt.begin(), sample.prompt.end(), known) ||
            !std::all_of(sample.tokens.begin(), sample.tokens.end(), known))
            throw Error(ExitCode::kCheckpoint, "the checkpoint's rollout has a sample that stage " +
                                                   section_.name + " cannot have made");
    }
}

void GrpoStage::restore(const SavedState& saved) {
    restore_policy(session_, saved, *actor_);
    if (uses_reference()) {
        std::vector<float> host(actor_->whole_layout().size(), 0.0f);
        read_together(session_.comm, saved, "reference", actor_->whole_layout(), host.data());
        actor_->set_reference(host);
        reference_step_ = saved.state().at("reference_step").get<std::int64_t>();
    }
    if (!saved.has("rollout/samples")) return;
    rollout_ = unpack_samples(saved.bytes("rollout/samples"));
    check_rollout(rollout_);
}

}  // namespace

std::unique_ptr<Stage> make_grpo_stage(Session& session, std::size_t index, Beginning beginning) {
    return std::make_unique<GrpoStage>(session, index, beginning);
}

}  // namespace r1
