// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/device.h"

namespace r1 {

/// Owns `size()` values of type V in the memory of a device, which must outlive it. Zeroed.
template <class V>
class Array {
  public:
    Array() = default;
    Array(Device& device, std::size_t count)
        : device_(&device),
          data_(count == 0 ? nullptr : static_cast<V*>(device.allocate(count * sizeof(V)))),
          count_(count) {}
    Array(Array&& other) noexcept
        : device_(other.device_),
          data_(std::exchange(other.data_, nullptr)),
          count_(std::exchange(other.count_, 0)) {}
    Array& operator=(Array&& other) noexcept {
        std::swap(device_, other.device_);
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() {
        if (data_ != nullptr) device_->release(data_);
    }

    V* data() { return data_; }
    const V* data() const { return data_; }
    std::size_t size() const { return count_; }
    void zero() { device_->zero(data_, count_ * sizeof(V)); }

    /// Makes room for `count` values; what was there is gone if it has to grow.
    void reserve(Device& device, std::size_t count) {
        if (count > count_) *this = Array(device, count);
    }
    void load(const V* host, std::size_t count) {
        device_->to_device(data_, host, count * sizeof(V));
    }
    std::vector<V> to_host(std::size_t count) const {
        std::vector<V> host(count);
        if (count > 0) device_->to_host(host.data(), data_, count * sizeof(V));
        return host;
    }

  private:
    Device* device_ = nullptr;
    V* data_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace r1
