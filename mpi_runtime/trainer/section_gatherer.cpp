// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/section_gatherer.h"

namespace r1 {

template <class T>
SectionGatherer<T>::SectionGatherer(Device& device, TensorGroup& group,
                                    const ParameterLayout& layout,
                                    std::span<const ValueRange> owners, const T* own)
    : device_(device), group_(group), layout_(layout), owners_(owners), own_(own) {}

template <class T>
typename SectionGatherer<T>::Slot& SectionGatherer<T>::slot_of(std::size_t section) {
    if (section == 0) return slots_[kLayerSlots];
    if (section == layout_.end_section()) return slots_[kLayerSlots + 1];
    return slots_[section % kLayerSlots];
}

template <class T>
void SectionGatherer<T>::begin(std::size_t section) {
    Slot& slot = slot_of(section);
    if (slot.section == section) return;
    group_.finish(slot.ticket);
    const ValueRange& range = layout_.sections()[section];
    slot.values.reserve(device_, range.size());
    slot.ticket = group_.begin_gather(slot.values.data(), value_type_of<T>(), range, owners_, own_);
    slot.section = section;
}

template <class T>
const T* SectionGatherer<T>::load(std::size_t section, std::size_t next) {
    begin(section);
    Slot& slot = slot_of(section);
    group_.finish(slot.ticket);
    begin(next);
    return slot.values.data();
}

template <class T>
void SectionGatherer<T>::forget() {
    for (Slot& slot : slots_) {
        group_.finish(slot.ticket);
        slot.section = kNone;
        slot.ticket = 0;
    }
}

template class SectionGatherer<Bf16>;
template class SectionGatherer<float>;

}  // namespace r1
