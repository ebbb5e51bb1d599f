// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/session.h"

#include <utility>

#include "common/error.h"
#include "common/log.h"
#include "mpi_runtime/model/initialise.h"
#include "mpi_runtime/trainer/saved_state.h"

namespace r1 {

namespace {

/// Null without a group.
std::unique_ptr<TensorGroup> make_tensors(const Recipe& recipe, Communicator* group,
                                          WideBackend<float>& device, const Communicator& all,
                                          const std::string& whose = "") {
    if (group == nullptr) return nullptr;
    TensorGroupOptions options;
    // The watchdog, which knows what every rank does, is to speak first.
    options.limit_seconds = 2 * static_cast<double>(recipe.resources.watchdog.seconds);
    options.sums_in_order = recipe.deterministic == Determinism::kStrict;
    ChosenTensorGroup chosen = make_tensor_group(*group, tensor_device(device), options);
    if (all.rank() == 0) log_info(whose + chosen.why);
    return std::move(chosen.group);
}

}  // namespace

Session::Session(RunDirectory directory, Recipe recipe_in, Communicator& communicator)
    : run(std::move(directory)),
      recipe(std::move(recipe_in)),
      comm(communicator),
      groups(comm, static_cast<std::int32_t>(recipe.parallel.tensor)),
      data(groups.data()),
      device(make_rank_device(recipe)),
      tensors(make_tensors(recipe, &data, *device.backend, comm)),
      slices(make_tensors(recipe, groups.slices(), *device.backend, comm,
                          "between slices of the model, ")),
      tokenizer(make_byte_tokenizer()),
      task(make_task(recipe.task, recipe.seed)) {}

std::unique_ptr<Actor> Session::make_actor(const StageSection& stage, bool reference) {
    ActorOptions options;
    options.stage = static_cast<ZeroStage>(recipe.parallel.zero);
    options.recompute = recipe.training.recompute;
    options.reference = reference;
    options.rollout = rollout_limits();
    return r1::make_actor(shape_of(stage), *device.backend, {comm, data, *tensors, slices.get()},
                          options);
}

ModelShape Session::shape_of(const StageSection& stage) const {
    return make_model_shape(recipe.model_of(stage), tokenizer->vocabulary_size());
}

RolloutLimits Session::rollout_limits() const {
    return {static_cast<std::int32_t>(recipe.rollout.batch_size),
            static_cast<std::int32_t>(recipe.rollout.page_tokens), recipe.rollout.kv_cache.count};
}

std::int64_t Session::first_step(std::size_t index) const {
    std::int64_t step = 0;
    for (std::size_t i = 0; i < index; ++i) step += recipe.stages[i].steps;
    return step;
}

std::size_t Session::stage_index(const std::string& name) const {
    for (std::size_t i = 0; i < recipe.stages.size(); ++i)
        if (recipe.stages[i].name == name) return i;
    throw Error(ExitCode::kUsage, "the recipe has no stage '" + name + "'");
}

std::vector<float> starting_parameters(const Session& session, std::size_t stage) {
    const StageSection& section = session.recipe.stages[stage];
    const ModelShape shape = session.shape_of(section);
    const ParameterLayout layout(shape);
    if (section.from.empty())
        return initial_parameters(
            shape, layout,
            make_key(session.recipe.seed, Purpose::kInit, static_cast<std::uint32_t>(stage)));
    const std::size_t from = session.stage_index(section.from);
    const std::filesystem::path folder =
        session.run.checkpoints() / checkpoint_name(session.first_step(from + 1));
    std::vector<float> values(layout.size(), 0.0f);
    read_together(session.comm, SavedState(folder), "model", layout, values.data());
    return values;
}

}  // namespace r1
