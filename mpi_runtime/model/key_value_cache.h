// SPDX-License-Identifier: Apache-2.0
// The paged key/value cache of every layer, and who uses which page. Sequences of one group share
// the pages of their prompt.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/array.h"
#include "mpi_runtime/model/model_shape.h"

namespace r1 {

template <class T>
class KeyValueCache {
  public:
    KeyValueCache(Backend<T>& backend, const ModelShape& shape, std::int32_t pages,
                  std::int32_t page_tokens);

    std::int32_t pages() const { return static_cast<std::int32_t>(users_.size()); }
    std::int32_t page_tokens() const { return page_tokens_; }
    std::int32_t free_pages() const { return static_cast<std::int32_t>(free_.size()); }
    PagedCache<T> layer(std::int32_t index);

    /// A page with one user. Throws Error when none is free: admission must see to that.
    std::int32_t take();
    void share(std::int32_t page);
    /// One user less; the last one frees the page.
    void drop(std::int32_t page);
    /// Copies the contents of a page in every layer.
    void copy_page(std::int32_t target, std::int32_t source);

    /// Bytes of one page over all layers, keys and values.
    static std::int64_t page_bytes(const ModelShape& shape, std::int32_t page_tokens);

  private:
    Backend<T>& backend_;
    std::int32_t page_tokens_;
    std::size_t page_values_;
    std::vector<Array<T>> keys_, values_;  // by layer
    std::vector<std::int32_t> users_;      // by page
    std::vector<std::int32_t> free_;
};

extern template class KeyValueCache<Bf16>;
extern template class KeyValueCache<float>;
extern template class KeyValueCache<double>;

}  // namespace r1
