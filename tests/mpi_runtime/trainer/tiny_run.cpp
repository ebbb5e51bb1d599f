// SPDX-License-Identifier: Apache-2.0
#include "tests/mpi_runtime/trainer/tiny_run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "recipes/load.h"

namespace r1::test {

namespace {

constexpr const char* kRecipe = R"(name: tiny
seed: 5
model:
  hidden_size: 16
  intermediate_size: 24
  num_hidden_layers: 1
  num_attention_heads: 2
  max_position_embeddings: 64
task:
  kind: reverse
  min_items: 1
  max_items: 2
evaluation:
  prompts: 5
  samples: 4
  k: 2
  max_new_tokens: 20
stages:
  - name: sft
    kind: sft
    steps: 120
    batch_size: 16
    optimizer:
      learning_rate: 2e-2
      warmup_steps: 5
  - name: rl
    kind: grpo
    from: sft
    steps: 12
    prompts_per_step: 4
    group_size: 4
    optimizer:
      learning_rate: 3e-3
    sampling:
      max_new_tokens: 20
  - name: pick
    kind: sample
    from: sft
    steps: 6
    prompts_per_step: 4
    group_size: 4
    keep_per_prompt: 2
    sampling:
      max_new_tokens: 20
)";

}  // namespace

Recipe tiny_recipe(const std::vector<std::string>& overrides) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder / "tiny.yaml";
    std::ofstream(file) << kRecipe;
    return load_recipe(file, overrides);
}

TinyRun::TinyRun(const std::vector<std::string>& overrides, Communicator* communicator)
    : session(RunDirectory(folder.path()), tiny_recipe(overrides),
              communicator != nullptr ? *communicator : *self) {}

void TinyRun::train_start() {
    const std::unique_ptr<Stage> stage = make_stage(session, 0);
    const std::int64_t steps = session.recipe.stages[0].steps;
    for (std::int64_t step = 0; step < steps; ++step) stage->step(step);
    save_and_open(*this, *stage, steps);
}

void TinyRun::take_start(const TinyRun& other) {
    std::filesystem::copy(other.session.run.checkpoints(), session.run.checkpoints(),
                          std::filesystem::copy_options::recursive);
}

const TinyRun& started_run() {
    static const std::unique_ptr<TinyRun> run = [] {
        auto made = std::make_unique<TinyRun>();
        made->train_start();
        return made;
    }();
    return *run;
}

namespace {

std::vector<std::string> of_stage_rl(std::vector<std::string> overrides) {
    for (std::string& text : overrides)
        if (text.starts_with('.')) text.insert(0, "stages.rl");
    return overrides;
}

}  // namespace

TinyGrpo::TinyGrpo(const std::vector<std::string>& overrides) : run(of_stage_rl(overrides)) {
    run.take_start(started_run());
    stage = make_stage(run.session, 1);
}

std::vector<float> whole_of(Actor& actor, Kept kept) {
    std::vector<float> values(actor.layout().size());
    std::copy_n(actor.own_values(kept), actor.own().size(), values.data() + actor.own().first);
    actor.group().all_gather(values.data(), ValueType::kFloat32, actor.shards().ranges());
    return values;
}

std::vector<float> weights_of(Stage& stage) {
    return whole_of(*stage.actor(), Kept::kParameters);
}

std::vector<float> gradients_of(Stage& stage) {
    Actor& actor = *stage.actor();
    std::vector<float> host(actor.layout().size());
    actor.device().to_host(host.data(), actor.gradients(), host.size() * sizeof(float));
    return host;
}

double metric(const Metrics& metrics, const std::string& name) {
    for (const auto& [key, value] : metrics)
        if (key == name) return value;
    ADD_FAILURE() << "no metric " << name;
    return 0;
}

Metrics without_times(const Metrics& metrics) {
    Metrics kept;
    for (const auto& one : metrics)
        if (!one.first.starts_with("timing_s/") && one.first != "perf/time_per_step" &&
            one.first != "perf/throughput")
            kept.push_back(one);
    return kept;
}

SavedState save_and_open(const TinyRun& run, Stage& stage, std::int64_t step) {
    Snapshot snapshot(run.session.comm);
    stage.save(snapshot);
    return save_and_open(run.session.comm, run.session.run.checkpoints(), step, snapshot);
}

std::string packed_rollout(const TinyRun& run, Stage& stage) {
    Snapshot snapshot(run.session.comm);
    stage.save(snapshot);
    for (const Volume& volume : snapshot.take_volumes())
        for (const LooseTensor& tensor : volume.loose)
            if (tensor.info.name == "rollout/samples") return tensor.bytes;
    return {};
}

}  // namespace r1::test
