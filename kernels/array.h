// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/backend.h"

namespace r1 {

/// Owns `size()` values of type V in the memory of a backend, which must outlive it. Zeroed.
template <class T, class V = T>
class Array {
  public:
    Array() = default;
    Array(Backend<T>& backend, std::size_t count)
        : backend_(&backend),
          data_(count == 0 ? nullptr : static_cast<V*>(backend.allocate(count * sizeof(V)))),
          count_(count) {}
    Array(Array&& other) noexcept
        : backend_(other.backend_),
          data_(std::exchange(other.data_, nullptr)),
          count_(std::exchange(other.count_, 0)) {}
    Array& operator=(Array&& other) noexcept {
        std::swap(backend_, other.backend_);
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() {
        if (data_ != nullptr) backend_->release(data_);
    }

    V* data() { return data_; }
    const V* data() const { return data_; }
    std::size_t size() const { return count_; }
    void zero() { backend_->zero(data_, count_ * sizeof(V)); }

    /// Makes room for `count` values; what was there is gone if it has to grow.
    void reserve(Backend<T>& backend, std::size_t count) {
        if (count > count_) *this = Array(backend, count);
    }
    void load(const V* host, std::size_t count) {
        backend_->to_device(data_, host, count * sizeof(V));
    }
    std::vector<V> to_host(std::size_t count) const {
        std::vector<V> host(count);
        if (count > 0) backend_->to_host(host.data(), data_, count * sizeof(V));
        return host;
    }

  private:
    Backend<T>* backend_ = nullptr;
    V* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace r1
