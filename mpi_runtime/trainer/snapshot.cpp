// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/snapshot.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/error.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {

Snapshot::Snapshot() : state_(std::make_unique<Json>(Json::object())) {}
Snapshot::~Snapshot() = default;

void Snapshot::add_parameters(const std::string& prefix, const ParameterLayout& layout,
                              Backend<float>& backend, const float* values) {
    std::vector<float>& host = buffers_.emplace_back(layout.size());
    backend.to_host(host.data(), values, host.size() * sizeof(float));
    for (const ParameterView& view : layout.views())
        tensors_.push_back({prefix + "/" + view.name, TensorType::kFloat32, view.shape,
                            host.data() + view.offset});
}

void Snapshot::add_bytes(const std::string& name, std::string bytes) {
    const std::string& kept = texts_.emplace_back(std::move(bytes));
    tensors_.push_back(
        {name, TensorType::kUint8, {static_cast<std::int64_t>(kept.size())}, kept.data()});
}

std::string Snapshot::state_text() const {
    return state_->dump();
}

SavedState::SavedState(std::filesystem::path folder)
    : folder_(std::move(folder)),
      manifest_(read_manifest(folder_)),
      state_(std::make_unique<Json>(
          parse_json_object(manifest_.state, (folder_ / "manifest.json").string()))) {}
SavedState::~SavedState() = default;
SavedState::SavedState(SavedState&&) noexcept = default;

bool SavedState::has(const std::string& tensor) const {
    return std::any_of(manifest_.tensors.begin(), manifest_.tensors.end(),
                       [&](const TensorEntry& entry) { return entry.name == tensor; });
}

std::vector<float> SavedState::parameters(const std::string& prefix,
                                          const ParameterLayout& layout) const {
    std::vector<float> values(layout.size(), 0.0f);
    for (const ParameterView& view : layout.views()) {
        beat();
        const TensorEntry& entry = manifest_.tensor(prefix + "/" + view.name);
        if (entry.shape != view.shape || entry.type != TensorType::kFloat32)
            throw Error(ExitCode::kCheckpoint,
                        "'" + folder_.string() + "': tensor '" + entry.name +
                            "' has another shape or type than the recipe's model; was the frozen "
                            "recipe changed?");
        read_tensor(folder_, entry, values.data() + view.offset);
    }
    return values;
}

std::string SavedState::bytes(const std::string& name) const {
    const TensorEntry& entry = manifest_.tensor(name);
    std::string bytes(entry.bytes, '\0');
    read_tensor(folder_, entry, bytes.data());
    return bytes;
}

}  // namespace r1
