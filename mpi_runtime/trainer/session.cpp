// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/session.h"

#include <utility>

#include "common/error.h"
#include "mpi_runtime/model/initialise.h"
#include "mpi_runtime/trainer/saved_state.h"

namespace r1 {

namespace {

std::unique_ptr<Backend<float>> make_backend(const ResourcesSection& resources) {
    if (resources.device == Device::kCuda)
        throw Error(ExitCode::kUsage,
                    "the recipe asks for resources.device: cuda, and this build trains on the CPU "
                    "only; use cpu or auto");
    return make_cpu_backend(static_cast<int>(resources.threads_per_rank));
}

}  // namespace

Session::Session(RunDirectory directory, Recipe recipe_in, Communicator& communicator)
    : run(std::move(directory)),
      recipe(std::move(recipe_in)),
      comm(communicator),
      backend(make_backend(recipe.resources)),
      tokenizer(make_byte_tokenizer()),
      task(make_task(recipe.task, recipe.seed)) {}

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
