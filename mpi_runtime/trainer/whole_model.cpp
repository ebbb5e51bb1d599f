// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/whole_model.h"

#include <algorithm>

#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/model/model_slice.h"

namespace r1 {

WholeModel::WholeModel(const ModelShape& whole, WideBackend<float>& device, const Communicator& all,
                       TensorGroup& data, TensorGroup& slices)
    : device_(device),
      data_(data),
      slices_(slices),
      layout_(whole),
      shards_(layout_, all.size()),
      saved_(shards_.of(all.rank())) {
    for (int slice = 0; slice < slices.size(); ++slice)
        slice_layouts_.emplace_back(slice_shape(whole, slice, slices.size()));
}

std::vector<float> WholeModel::cut(std::span<const float> whole) const {
    return cut_parameters(slice_layouts_[static_cast<std::size_t>(slices_.rank())], whole, layout_);
}

Array<float> WholeModel::gather_section(std::size_t section, std::span<const ValueRange> parts,
                                        std::span<const ValueRange> owners, const float* own) {
    const auto self = static_cast<std::size_t>(slices_.rank());
    Array<float> values(device_, parts.back().last);
    data_.begin_gather(values.data() + parts[self].first, ValueType::kFloat32,
                       slice_layouts_[self].sections()[section], owners, own);
    data_.finish();
    slices_.all_gather(values.data(), ValueType::kFloat32, parts);
    return values;
}

std::vector<float> WholeModel::gather(std::span<const ValueRange> owners, const float* own) {
    std::vector<float> saved(saved_.size(), 0.0f);
    for (std::size_t section = 0; section < layout_.sections().size(); ++section) {
        beat();
        std::vector<ValueRange> parts;
        for (const ParameterLayout& layout : slice_layouts_) {
            const std::size_t first = parts.empty() ? 0 : parts.back().last;
            parts.push_back({first, first + layout.sections()[section].size()});
        }
        const Array<float> gathered = gather_section(section, parts, owners, own);
        const ValueRange& range = layout_.sections()[section];
        const std::size_t first = std::max(range.first, saved_.first);
        const std::size_t last = std::min(range.last, saved_.last);
        if (first >= last) continue;
        const std::vector<float> values = gathered.to_host(gathered.size());
        std::vector<float> whole(range.size(), 0.0f);
        for (std::size_t slice = 0; slice < parts.size(); ++slice)
            join_section(whole.data(), layout_, values.data() + parts[slice].first,
                         slice_layouts_[slice], section);
        std::copy_n(whole.data() + (first - range.first), last - first,
                    saved.data() + (first - saved_.first));
    }
    return saved;
}

}  // namespace r1
