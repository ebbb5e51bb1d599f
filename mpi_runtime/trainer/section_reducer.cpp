// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/section_reducer.h"

namespace r1 {

SectionReducer::SectionReducer(Device& device, TensorGroup& group, const ParameterLayout& layout,
                               std::span<const ValueRange> owners, float* own)
    : device_(device), group_(group), layout_(layout), owners_(owners), own_(own) {}

SectionReducer::Buffer& SectionReducer::buffer_of(std::size_t section) {
    if (section == 0) return buffers_[2];
    if (section == layout_.end_section()) return buffers_[3];
    return buffers_[section % 2];
}

float* SectionReducer::open(std::size_t section) {
    Buffer& buffer = buffer_of(section);
    if (buffer.open) return buffer.values.data();
    group_.finish(buffer.ticket);
    buffer.values.reserve(device_, layout_.sections()[section].size());
    buffer.values.zero();
    buffer.open = true;
    return buffer.values.data();
}

void SectionReducer::close(std::size_t section) {
    Buffer& buffer = buffer_of(section);
    buffer.ticket =
        group_.begin_reduce(buffer.values.data(), layout_.sections()[section], owners_, own_);
    buffer.open = false;
}

void SectionReducer::finish() {
    group_.finish();
    for (Buffer& buffer : buffers_) buffer.ticket = 0;
}

}  // namespace r1
