// SPDX-License-Identifier: Apache-2.0
// The CUDA backend beside the reference in double. Both see the same inputs: values that T holds.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/array.h"
#include "kernels/backend.h"
#include "tests/kernels/cuda/gpu_test.h"

namespace r1::test {

using Values = std::vector<double>;
using Numbers = std::vector<std::int32_t>;

/// Half of the distance between neighbouring values, relative to them (Higham 2002, section 2.1).
template <class T>
inline constexpr double kRoundoff = std::is_same_v<T, Bf16> ? 0x1p-8 : 0x1p-24;
inline constexpr double kFloatRoundoff = kRoundoff<float>;
/// What is lost where float underflows.
inline constexpr double kTiny = std::numeric_limits<float>::min();

/// What a value of T that is computed in float may be off by: `error` before it was rounded to T.
template <class T>
double bound_of(double want, double error) {
    return kRoundoff<T> * (std::abs(want) + error) + error + kTiny;
}

/// A GPU, the reference, and inputs that differ from run to run; R1_TEST_SEED repeats a run.
template <class T>
class BackendTest : public OnGpu {
  protected:
    void SetUp() override {
        OnGpu::SetUp();
        if (IsSkipped()) return;
        const char* given = std::getenv("R1_TEST_SEED");
        const auto seed = given == nullptr
                              ? std::random_device{}()
                              : static_cast<unsigned>(std::strtoul(given, nullptr, 10));
        std::cout << "R1_TEST_SEED=" << seed << "\n";
        numbers_.seed(seed);
        gpu_ = make_cuda_backend<T>(0);
    }

    Backend<T>& gpu() { return *gpu_; }
    Backend<double>& reference() { return *reference_; }
    std::uint32_t draw() { return static_cast<std::uint32_t>(numbers_()); }

    /// Uniform in [-scale, scale], rounded to V.
    template <class V>
    Values random(std::size_t count, double scale = 1) {
        std::uniform_real_distribution<double> uniform(-scale, scale);
        Values values(count);
        for (double& v : values) v = static_cast<double>(static_cast<V>(uniform(numbers_)));
        return values;
    }
    Numbers random_ids(std::size_t count, std::int32_t below) {
        std::uniform_int_distribution<std::int32_t> uniform(0, below - 1);
        Numbers ids(count);
        for (auto& id : ids) id = uniform(numbers_);
        return ids;
    }

    template <class V>
    Array<V> upload(const std::vector<V>& host) {
        Array<V> array(*gpu_, host.size());
        if (!host.empty()) array.load(host.data(), host.size());
        return array;
    }
    template <class V>
    Array<V> upload_as(const Values& values) {
        std::vector<V> host(values.size());
        std::transform(values.begin(), values.end(), host.begin(),
                       [](double v) { return static_cast<V>(v); });
        return upload(host);
    }
    /// An output that must be overwritten.
    template <class V>
    Array<V> poisoned(std::size_t count) {
        std::vector<V> host(count);
        if (count > 0) std::memset(static_cast<void*>(host.data()), 0xFF, count * sizeof(V));
        return upload(host);
    }

    template <class V>
    static std::vector<V> host(const Array<V>& array) {
        return array.to_host(array.size());
    }
    template <class V>
    static bool same_bits(const std::vector<V>& a, const std::vector<V>& b) {
        return a.size() == b.size() &&
               (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(V)) == 0);
    }
    /// Every value is within its bound of what the reference gives.
    template <class V>
    static void expect_within(const Array<V>& got, const Values& want, const Values& bounds) {
        const std::vector<V> values = host(got);
        ASSERT_EQ(values.size(), want.size());
        for (std::size_t i = 0; i < want.size(); ++i) {
            ASSERT_LE(std::abs(static_cast<double>(values[i]) - want[i]), bounds[i])
                << "element " << i << ": " << static_cast<double>(values[i]) << " for " << want[i];
        }
    }
    static Values magnitudes(Values values) {
        for (double& v : values) v = std::abs(v);
        return values;
    }
    /// Calls `work`, which returns outputs, in every order of threads: the bits must be the same.
    template <class Work>
    static void expect_same_bits(Work work) {
        auto first = work();
        for_each_order([&] { EXPECT_TRUE(same_bits(first, work())); });
    }

  private:
    std::mt19937 numbers_;
    std::unique_ptr<Backend<double>> reference_ = make_reference_backend<double>();
    std::unique_ptr<Backend<T>> gpu_;
};

using GpuTypes = testing::Types<Bf16, float>;

}  // namespace r1::test
