// SPDX-License-Identifier: Apache-2.0
// What the tests of tensor groups run on: a device and a group of all ranks, of each kind.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "common/bfloat16.h"
#include "mpi_runtime/comm/tensor_group.h"

namespace r1::test {

class TensorRig {
  public:
    virtual ~TensorRig() = default;
    virtual Device& device() = 0;
    virtual TensorGroup& group() = 0;
};

/// What the rigs need and this machine lacks; empty where it has all.
std::string why_rigs_cannot_run();
/// The kinds that this program tests, and one of them over `comm`.
std::vector<std::string> rig_names();
std::unique_ptr<TensorRig> make_rig(const std::string& name, Communicator& comm,
                                    const TensorGroupOptions& options);

template <class T>
constexpr ValueType type_of() {
    if constexpr (std::is_same_v<T, Bf16>) return ValueType::kBfloat16;
    if constexpr (std::is_same_v<T, float>) return ValueType::kFloat32;
    return ValueType::kFloat64;
}

/// Values in the memory of a rig's device.
template <class T>
class DeviceValues {
  public:
    DeviceValues(TensorRig& rig, const std::vector<T>& host)
        : device_(rig.device()), count_(host.size()) {
        data_ = static_cast<T*>(device_.allocate(std::max<std::size_t>(count_, 1) * sizeof(T)));
        load(host);
    }
    DeviceValues(const DeviceValues&) = delete;
    DeviceValues& operator=(const DeviceValues&) = delete;
    ~DeviceValues() { device_.release(data_); }

    T* data() { return data_; }
    void load(const std::vector<T>& host) {
        if (count_ > 0) device_.to_device(data_, host.data(), count_ * sizeof(T));
    }
    std::vector<T> host() {
        std::vector<T> values(count_);
        if (count_ > 0) device_.to_host(values.data(), data_, count_ * sizeof(T));
        return values;
    }

  private:
    Device& device_;
    std::size_t count_;
    T* data_;
};

}  // namespace r1::test
