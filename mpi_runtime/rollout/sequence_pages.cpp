// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/rollout/sequence_pages.h"

namespace r1 {

template <class T>
void SequencePages<T>::grow(std::int32_t tokens) {
    while (static_cast<std::int32_t>(pages_.size()) * cache_->page_tokens() < tokens)
        pages_.push_back(cache_->take());
}

template <class T>
void SequencePages<T>::share_prefix(const SequencePages& other, std::int32_t tokens) {
    const auto whole = static_cast<std::size_t>(tokens / cache_->page_tokens());
    for (std::size_t i = 0; i < whole; ++i) {
        cache_->share(other.pages_[i]);
        pages_.push_back(other.pages_[i]);
    }
    if (tokens % cache_->page_tokens() == 0) return;
    pages_.push_back(cache_->take());
    cache_->copy_page(pages_.back(), other.pages_[whole]);
}

template <class T>
void SequencePages<T>::clear() {
    for (const std::int32_t page : pages_) cache_->drop(page);
    pages_.clear();
}

template class SequencePages<Bf16>;
template class SequencePages<float>;
template class SequencePages<double>;

}  // namespace r1
