// SPDX-License-Identifier: Apache-2.0
// Rejection sampling: generate with a stage's model, keep what the verifier accepts, and write it
// as JSON lines for a later sft stage. A step is one batch of prompts.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "mpi_runtime/trainer/acceptance.h"
#include "mpi_runtime/trainer/rollout_statistics.h"
#include "mpi_runtime/trainer/stage.h"

namespace r1 {

namespace {

class SampleStage final : public Stage {
  public:
    SampleStage(Session& session, std::size_t index)
        : session_(session),
          section_(session.recipe.stages[index]),
          index_(index),
          actor_(session.make_actor(section_)),
          file_(session.run.samples_of(section_.name)) {
        actor_->set_parameters(starting_parameters(session, index));
    }

    Metrics step(std::int64_t step) override;
    void save(Snapshot& snapshot) override;
    void restore(const SavedState& saved) override;
    Actor* actor() override { return nullptr; }

  private:
    std::int64_t write_accepted(const std::vector<Sample>& samples);

    Session& session_;
    const StageSection& section_;
    std::size_t index_;
    std::unique_ptr<Actor> actor_;
    std::filesystem::path file_;
};

std::int64_t SampleStage::write_accepted(const std::vector<Sample>& samples) {
    const std::vector<const Sample*> accepted =
        accepted_samples(samples, *session_.tokenizer, section_.keep_per_prompt);
    // A newer attempt cuts the file to its checkpoint and appends; the step's end says so.
    if (!session_.leader() || session_.fence.superseded())
        return static_cast<std::int64_t>(accepted.size());
    LineAppender out(file_);
    for (const Sample* sample : accepted) {
        Json line;
        line["prompt"] = session_.tokenizer->decode(sample->prompt);
        line["completion"] = completion_text(*sample, *session_.tokenizer);
        line["prompt_index"] = sample->prompt_index;
        line["sample"] = sample->sample;
        out.append(line.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    out.sync();
    return static_cast<std::int64_t>(accepted.size());
}

Metrics SampleStage::step(std::int64_t step) {
    PhaseTimes times;
    if (step == 0 && session_.leader()) {
        std::filesystem::create_directories(session_.run.samples());
        write_file_durably(file_, "");
    }
    SampleOrder order;
    order.first_prompt = prompt_number(index_, step * section_.prompts_per_step);
    order.prompts = section_.prompts_per_step;
    order.group_size = section_.group_size;
    order.options = {
        {section_.sampling.temperature, section_.sampling.top_p,
         static_cast<std::int32_t>(section_.sampling.top_k)},
        static_cast<std::int32_t>(section_.sampling.max_new_tokens),
        session_.tokenizer->end_of_text(),
        make_key(session_.recipe.seed, Purpose::kSample, static_cast<std::uint32_t>(index_)),
        static_cast<std::uint32_t>(step)};
    const std::vector<Sample> samples =
        gather_samples(session_.data, generate_samples(session_, *actor_, order));
    times.end_phase("rollout");
    const std::int64_t accepted = write_accepted(samples);

    std::vector<std::size_t> all(samples.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    Metrics metrics = rollout_metrics(samples, all, section_.group_size);
    metrics.emplace_back("sample/accepted", static_cast<double>(accepted));
    metrics.emplace_back("sample/accepted_share",
                         static_cast<double>(accepted) / static_cast<double>(samples.size()));
    times.append_to(metrics, trained_rows(samples, all));
    return metrics;
}

void SampleStage::save(Snapshot& snapshot) {
    if (session_.leader()) snapshot.state()["sample_bytes"] = std::filesystem::file_size(file_);
}

void SampleStage::restore(const SavedState& saved) {
    // What was written after the checkpoint will be written again.
    const auto bytes = saved.state().at("sample_bytes").get<std::uintmax_t>();
    if (!session_.leader()) return;
    std::error_code failed;
    const std::uintmax_t present = std::filesystem::file_size(file_, failed);
    if (failed || present < bytes)
        throw Error(ExitCode::kCheckpoint,
                    "'" + file_.string() + "' is shorter than its checkpoint says (" +
                        std::to_string(bytes) + " bytes); it was changed from outside");
    std::filesystem::resize_file(file_, bytes);
}

}  // namespace

std::unique_ptr<Stage> make_sample_stage(Session& session, std::size_t index) {
    return std::make_unique<SampleStage>(session, index);
}

}  // namespace r1
