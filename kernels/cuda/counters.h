// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace r1::cuda {

/// Whole numbers in device memory that are zero between kernels: a kernel that counts its blocks
/// leaves them so. Kernels that use them are on one stream.
class Counters {
  public:
    static constexpr int kCount = 1024;

    Counters() = default;
    Counters(const Counters&) = delete;
    Counters& operator=(const Counters&) = delete;
    ~Counters();

    /// kCount zeros, made at the first call. Throws Error (kLibrary) when there is no memory, or
    /// when the device's work is being recorded then.
    std::int32_t* data();
    bool made() const { return data_ != nullptr; }

  private:
    std::int32_t* data_ = nullptr;
};

}  // namespace r1::cuda
