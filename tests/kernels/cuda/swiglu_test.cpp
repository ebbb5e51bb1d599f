// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {
namespace {

template <class T>
class GpuSwiglu : public BackendTest<T> {};
TYPED_TEST_SUITE(GpuSwiglu, GpuTypes);

/// CUDA's expf is off by at most 2 units in the last place, which is 4 roundoffs; the sum and the
/// quotient of the sigmoid add 2.
constexpr double kSigmoid = 6 * kFloatRoundoff;

struct Gates {
    double gate, up, dy;
    double s() const { return 1 / (1 + std::exp(-gate)); }
    double y() const { return gate * s() * up; }
    double dup() const { return dy * gate * s(); }
    /// Of dy · up · s · (1 + gate · (1 - s)): the error of s comes in twice, in the bracket on
    /// |gate|; 3 products, and 4 roundings within the bracket, each of its absolute terms.
    double dgate_error() const {
        const double terms = 1 + std::abs(gate) * (1 - s());
        const double bracket = kSigmoid * std::abs(gate) + 4 * kFloatRoundoff * terms;
        return std::abs(dy * up * s()) * (bracket + (kSigmoid + 3 * kFloatRoundoff) * terms);
    }
};

TYPED_TEST(GpuSwiglu, IsWithinRoundingOfTheReference) {
    for (const std::int32_t n : {1, 7, 8, 96, 263, 2056}) {
        const std::int32_t m = 3;
        const auto size = static_cast<std::size_t>(n);
        // Gates far enough out that the exponential overflows and underflows.
        Values gate_up = this->template random<TypeParam>(2 * m * size, 12);
        gate_up[0] = -120;
        gate_up[2 * size] = 120;
        const Values dy = this->template random<TypeParam>(m * size);
        const auto input = this->template upload_as<TypeParam>(gate_up);
        const auto gradient = this->template upload_as<TypeParam>(dy);
        auto y = this->template poisoned<TypeParam>(m * size);
        auto dgate_up = this->template poisoned<TypeParam>(2 * m * size);
        this->expect_same_bits([&] {
            this->gpu().swiglu_forward(y.data(), input.data(), m, n);
            this->gpu().swiglu_backward(dgate_up.data(), gradient.data(), input.data(), m, n);
            return this->host(dgate_up);
        });
        Values want(m * size), want_gradient(2 * m * size);
        this->reference().swiglu_forward(want.data(), gate_up.data(), m, n);
        this->reference().swiglu_backward(want_gradient.data(), dy.data(), gate_up.data(), m, n);
        Values bounds(want.size()), gradient_bounds(want_gradient.size());
        for (std::size_t i = 0; i < want.size(); ++i) {
            const std::size_t gate = i / size * 2 * size + i % size, up = gate + size;
            const Gates at{gate_up[gate], gate_up[up], dy[i]};
            const double product = kSigmoid + 2 * kFloatRoundoff;
            bounds[i] = bound_of<TypeParam>(want[i], product * std::abs(at.y()));
            gradient_bounds[up] =
                bound_of<TypeParam>(want_gradient[up], product * std::abs(at.dup()));
            gradient_bounds[gate] = bound_of<TypeParam>(want_gradient[gate], at.dgate_error());
        }
        this->expect_within(y, want, bounds);
        this->expect_within(dgate_up, want_gradient, gradient_bounds);
    }
}

}  // namespace
}  // namespace r1::test
