// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/model_slice.h"

#include <algorithm>
#include <string>

#include "common/error.h"

namespace r1 {

namespace {

void check_divides(std::int32_t slices, std::int32_t extent, const char* key) {
    if (extent % slices == 0) return;
    throw Error(ExitCode::kUsage, "parallel.tensor " + std::to_string(slices) +
                                      " does not divide the model's " + key + " of " +
                                      std::to_string(extent) +
                                      "; set parallel.tensor to a number that does");
}

/// Calls copy(at, in_whole, count) for each run of the section's values, which begins `at` values
/// into the slice's section and `in_whole` values into the whole one.
template <class Copy>
void for_each_run(const ParameterLayout& slice_layout, const ParameterLayout& whole_layout,
                  std::size_t section, Copy copy) {
    const ValueRange& range = slice_layout.sections()[section];
    const std::size_t whole_first = whole_layout.sections()[section].first;
    for (std::size_t i = 0; i < slice_layout.views().size(); ++i) {
        const ParameterView& part = slice_layout.views()[i];
        if (part.offset < range.first || part.offset >= range.last) continue;
        const ParameterView& whole = whole_layout.views()[i];
        const auto width = static_cast<std::size_t>(part.shape.back());
        const auto whole_width = static_cast<std::size_t>(whole.shape.back());
        const auto first = static_cast<std::size_t>(part.first);
        const std::size_t at = part.offset - range.first;
        const std::size_t in_whole = whole.offset - whole_first;
        if (part.cut != Cut::kColumns) {
            const std::size_t row = part.shape.size() == 1 ? 1 : width;
            copy(at, in_whole + first * row, part.count);
            continue;
        }
        for (std::size_t row = 0; row < part.count / width; ++row)
            copy(at + row * width, in_whole + row * whole_width + first, width);
    }
}

}  // namespace

ModelShape slice_shape(const ModelShape& whole, std::int32_t slice, std::int32_t slices) {
    check_divides(slices, whole.attention.heads, "num_attention_heads");
    check_divides(slices, whole.attention.kv_heads, "num_key_value_heads");
    check_divides(slices, whole.intermediate, "intermediate_size");
    if (whole.vocabulary < slices)
        throw Error(ExitCode::kUsage, "parallel.tensor " + std::to_string(slices) +
                                          " is more than the vocabulary's " +
                                          std::to_string(whole.vocabulary) +
                                          " tokens; set it to less");
    ModelShape shape = whole;
    shape.slice = slice;
    shape.slices = slices;
    shape.attention.heads /= slices;
    shape.attention.kv_heads /= slices;
    shape.intermediate /= slices;
    return shape;
}

template <class V>
void cut_section(V* slice, const ParameterLayout& slice_layout, const V* whole,
                 const ParameterLayout& whole_layout, std::size_t section) {
    for_each_run(slice_layout, whole_layout, section,
                 [&](std::size_t at, std::size_t in_whole, std::size_t count) {
                     std::copy_n(whole + in_whole, count, slice + at);
                 });
}

template <class V>
void join_section(V* whole, const ParameterLayout& whole_layout, const V* slice,
                  const ParameterLayout& slice_layout, std::size_t section) {
    for_each_run(slice_layout, whole_layout, section,
                 [&](std::size_t at, std::size_t in_whole, std::size_t count) {
                     std::copy_n(slice + at, count, whole + in_whole);
                 });
}

template <class V>
std::vector<V> cut_parameters(const ParameterLayout& slice_layout, std::span<const V> whole,
                              const ParameterLayout& whole_layout) {
    std::vector<V> values(slice_layout.size(), V{0});
    for (std::size_t section = 0; section < slice_layout.sections().size(); ++section)
        cut_section(values.data() + slice_layout.sections()[section].first, slice_layout,
                    whole.data() + whole_layout.sections()[section].first, whole_layout, section);
    return values;
}

template void cut_section(float*, const ParameterLayout&, const float*, const ParameterLayout&,
                          std::size_t);
template void cut_section(double*, const ParameterLayout&, const double*, const ParameterLayout&,
                          std::size_t);
template void join_section(float*, const ParameterLayout&, const float*, const ParameterLayout&,
                           std::size_t);
template void join_section(double*, const ParameterLayout&, const double*, const ParameterLayout&,
                           std::size_t);
template std::vector<float> cut_parameters(const ParameterLayout&, std::span<const float>,
                                           const ParameterLayout&);
template std::vector<double> cut_parameters(const ParameterLayout&, std::span<const double>,
                                            const ParameterLayout&);

}  // namespace r1
