// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/snapshot.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace r1 {

Snapshot::Snapshot(const Communicator& comm)
    : comm_(comm), state_(std::make_unique<Json>(Json::object())) {
    volumes_.push_back(make_volume(kFilePrefix));
}
Snapshot::~Snapshot() = default;

Volume Snapshot::make_volume(std::string prefix) const {
    Volume volume;
    volume.prefix = std::move(prefix);
    volume.ranges.resize(static_cast<std::size_t>(comm_.size()));
    return volume;
}

void Snapshot::add_to(Volume& volume, const std::string& prefix, const ParameterLayout& layout,
                      const ParameterShards& shards, const float* own) const {
    const std::size_t first_tensor = volume.tensors.size();
    for (const ParameterView& view : layout.views())
        volume.tensors.push_back({prefix + "/" + view.name, TensorType::kFloat32, view.shape});
    for (int rank = 0; rank < comm_.size(); ++rank) {
        const ValueRange& owned = shards.of(rank);
        for (const ParameterShards::Part& part : shards.parts(owned)) {
            volume.ranges[static_cast<std::size_t>(rank)].push_back(
                {first_tensor + part.view, part.first * sizeof(float), part.count * sizeof(float)});
            if (rank == comm_.rank())
                volume.own.push_back(own +
                                     (layout.views()[part.view].offset + part.first - owned.first));
        }
    }
}

void Snapshot::add_parameters(const std::string& prefix, const ParameterLayout& layout,
                              const ParameterShards& shards, const float* own) {
    add_to(volumes_.front(), prefix, layout, shards, own);
}

void Snapshot::add_frozen(const std::string& prefix, const std::string& content,
                          const ParameterLayout& layout, const ParameterShards& shards,
                          const float* own) {
    Volume& volume = volumes_.emplace_back(make_volume(prefix + "-" + content + "-"));
    volume.frozen = true;
    add_to(volume, prefix, layout, shards, own);
}

void Snapshot::add_bytes(const std::string& name, std::string bytes) {
    if (comm_.rank() != 0) return;
    const auto size = static_cast<std::int64_t>(bytes.size());
    volumes_.front().loose.push_back({{name, TensorType::kUint8, {size}}, std::move(bytes)});
}

std::string Snapshot::state_text() const {
    return state_->dump();
}

std::vector<Volume> Snapshot::take_volumes() {
    return std::exchange(volumes_, {});
}

}  // namespace r1
