// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/key_value_cache.h"

#include "common/error.h"

namespace r1 {

template <class T>
KeyValueCache<T>::KeyValueCache(Backend<T>& backend, const ModelShape& shape, std::int32_t pages,
                                std::int32_t page_tokens)
    : backend_(backend),
      page_tokens_(page_tokens),
      page_values_(static_cast<std::size_t>(page_tokens) *
                   static_cast<std::size_t>(shape.attention.kv_width())),
      users_(static_cast<std::size_t>(pages), 0) {
    for (std::int32_t layer = 0; layer < shape.layers; ++layer) {
        keys_.emplace_back(backend, page_values_ * users_.size());
        values_.emplace_back(backend, page_values_ * users_.size());
    }
    for (std::int32_t page = pages; page-- > 0;) free_.push_back(page);
}

template <class T>
PagedCache<T> KeyValueCache<T>::layer(std::int32_t index) {
    const auto at = static_cast<std::size_t>(index);
    return {keys_[at].data(), values_[at].data(), page_tokens_};
}

template <class T>
std::int32_t KeyValueCache<T>::take() {
    if (free_.empty()) throw Error(ExitCode::kRunFailed, "the KV cache has no free page");
    const std::int32_t page = free_.back();
    free_.pop_back();
    users_[static_cast<std::size_t>(page)] = 1;
    return page;
}

template <class T>
void KeyValueCache<T>::share(std::int32_t page) {
    ++users_[static_cast<std::size_t>(page)];
}

template <class T>
void KeyValueCache<T>::drop(std::int32_t page) {
    if (--users_[static_cast<std::size_t>(page)] == 0) free_.push_back(page);
}

template <class T>
void KeyValueCache<T>::copy_page(std::int32_t target, std::int32_t source) {
    const std::size_t to = static_cast<std::size_t>(target) * page_values_;
    const std::size_t from = static_cast<std::size_t>(source) * page_values_;
    for (std::size_t layer = 0; layer < keys_.size(); ++layer) {
        backend_.copy(keys_[layer].data() + to, keys_[layer].data() + from,
                      page_values_ * sizeof(T));
        backend_.copy(values_[layer].data() + to, values_[layer].data() + from,
                      page_values_ * sizeof(T));
    }
}

template <class T>
std::int64_t KeyValueCache<T>::page_bytes(const ModelShape& shape, std::int32_t page_tokens) {
    return std::int64_t{2} * shape.layers * page_tokens * shape.attention.kv_width() *
           static_cast<std::int64_t>(sizeof(T));
}

template class KeyValueCache<Bf16>;
template class KeyValueCache<float>;
template class KeyValueCache<double>;

}  // namespace r1
