// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "mpi_runtime/model/key_value_cache.h"

namespace r1 {

/// The pages of one sequence, in order. Returns them to the cache when it goes.
template <class T>
class SequencePages {
  public:
    explicit SequencePages(KeyValueCache<T>& cache) : cache_(&cache) {}
    SequencePages(SequencePages&& other) noexcept
        : cache_(other.cache_), pages_(std::move(other.pages_)) {
        other.pages_.clear();
    }
    SequencePages& operator=(SequencePages&& other) noexcept {
        std::swap(cache_, other.cache_);
        std::swap(pages_, other.pages_);
        return *this;
    }
    SequencePages(const SequencePages&) = delete;
    SequencePages& operator=(const SequencePages&) = delete;
    ~SequencePages() { clear(); }

    /// Takes pages until `tokens` tokens fit.
    void grow(std::int32_t tokens);
    /// The same first `tokens` tokens as `other`: whole pages are shared, a part of one is copied.
    void share_prefix(const SequencePages& other, std::int32_t tokens);
    void clear();
    const std::vector<std::int32_t>& pages() const { return pages_; }

  private:
    KeyValueCache<T>* cache_;
    std::vector<std::int32_t> pages_;
};

extern template class SequencePages<Bf16>;
extern template class SequencePages<float>;
extern template class SequencePages<double>;

}  // namespace r1
