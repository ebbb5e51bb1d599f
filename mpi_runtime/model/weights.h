// SPDX-License-Identifier: Apache-2.0
// How a pass reaches the weights and leaves gradients: section by section, so that neither has to
// lie in memory whole. A section is the embedding, one layer, or the end (ParameterLayout).
#pragma once

#include <cstddef>

#include "mpi_runtime/model/parameter_layout.h"

namespace r1 {

/// One section's values in memory, found by their place in the flat buffer.
template <class V>
class Section {
  public:
    Section(V* data, std::size_t first) : data_(data), first_(first) {}
    V* at(std::size_t offset) const { return data_ + (offset - first_); }

  private:
    V* data_;
    std::size_t first_;
};

/// Brings sections that are not in memory (ZeRO stage 3).
template <class T>
class WeightLoader {
  public:
    virtual ~WeightLoader() = default;
    /// The section's values, the first one first. They stay until two other sections have been
    /// asked for. `next` is what the pass will ask for then; `section` itself at its end.
    virtual const T* load(std::size_t section, std::size_t next) = 0;
};

/// Takes the gradient away by sections (ZeRO stages 2 and 3).
template <class V>
class GradientCollector {
  public:
    virtual ~GradientCollector() = default;
    /// Where the pass adds the section's gradient: zeros when it asks first.
    virtual V* open(std::size_t section) = 0;
    /// The pass adds nothing more to it.
    virtual void close(std::size_t section) = 0;
};

/// The weights of one pass: the flat buffer, or a loader. Borrows either.
template <class T>
class Weights {
  public:
    Weights(const T* flat) : flat_(flat) {}
    Weights(WeightLoader<T>& loader) : loader_(&loader) {}

    Section<const T> section(const ParameterLayout& layout, std::size_t index,
                             std::size_t next) const {
        const std::size_t first = layout.sections()[index].first;
        return {loader_ == nullptr ? flat_ + first : loader_->load(index, next), first};
    }

  private:
    const T* flat_ = nullptr;
    WeightLoader<T>* loader_ = nullptr;
};

/// Where one pass leaves its gradient: added to the flat buffer, or with a collector. Borrows
/// either.
template <class V>
class Gradients {
  public:
    Gradients(V* flat) : flat_(flat) {}
    Gradients(GradientCollector<V>& collector) : collector_(&collector) {}

    Section<V> section(const ParameterLayout& layout, std::size_t index) const {
        const std::size_t first = layout.sections()[index].first;
        return {collector_ == nullptr ? flat_ + first : collector_->open(index), first};
    }
    void close(std::size_t index) const {
        if (collector_ != nullptr) collector_->close(index);
    }

  private:
    V* flat_ = nullptr;
    GradientCollector<V>* collector_ = nullptr;
};

}  // namespace r1
