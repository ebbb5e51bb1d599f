// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/saved_state.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/error.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {

SavedState::SavedState(std::filesystem::path folder)
    : folder_(std::move(folder)),
      manifest_(read_manifest(folder_)),
      state_(std::make_unique<Json>(
          parse_json_object(manifest_.state, (folder_ / "manifest.json").string()))) {}
SavedState::~SavedState() = default;
SavedState::SavedState(SavedState&&) noexcept = default;

void SavedState::read(const std::string& prefix, const ParameterLayout& layout,
                      const ParameterShards& shards, const ValueRange& range, float* target) const {
    TensorReader reader(folder_, manifest_);
    for (const ParameterShards::Part& part : shards.parts(range)) {
        beat();
        const ParameterView& view = layout.views()[part.view];
        const TensorEntry& entry = manifest_.tensor(prefix + "/" + view.name);
        if (entry.shape != view.shape || entry.type != TensorType::kFloat32)
            throw Error(ExitCode::kCheckpoint,
                        "'" + folder_.string() + "': tensor '" + entry.name +
                            "' has another shape or type than the recipe's model; was the frozen "
                            "recipe changed?");
        reader.read(entry, part.first * sizeof(float), part.count * sizeof(float),
                    target + (view.offset + part.first - range.first));
    }
}

std::vector<float> SavedState::parameters(const std::string& prefix,
                                          const ParameterLayout& layout) const {
    std::vector<float> values(layout.size(), 0.0f);
    read(prefix, layout, ParameterShards(layout, 1), {0, layout.size()}, values.data());
    return values;
}

std::string SavedState::bytes(const std::string& name) const {
    const TensorEntry& entry = manifest_.tensor(name);
    std::string bytes(entry.bytes(), '\0');
    read_tensor(folder_, manifest_, entry, bytes.data());
    return bytes;
}

void read_together(Communicator& comm, const SavedState& saved, const std::string& prefix,
                   const ParameterLayout& layout, float* target) {
    const ParameterShards shards(layout, comm.size());
    const ValueRange& own = shards.of(comm.rank());
    saved.read(prefix, layout, shards, own, target + own.first);
    comm.all_gather(target, shards.ranges());
}

}  // namespace r1
