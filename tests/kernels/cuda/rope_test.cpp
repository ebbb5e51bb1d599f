// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {
namespace {

template <class T>
class GpuRope : public BackendTest<T> {};
TYPED_TEST_SUITE(GpuRope, GpuTypes);

struct Heads {
    std::int32_t turned, dim, row_stride;
};

/// Cosine and sine are rounded to float; a turned value then is two products and a sum.
template <class T>
Values rope_bounds(const Values& x, const Values& want, const Heads& heads, std::int32_t m) {
    const std::int32_t half = heads.dim / 2;
    Values bounds(x.size());  // what lies beyond the heads that are turned keeps its bits
    for (std::int32_t i = 0; i < m; ++i) {
        for (std::int32_t h = 0; h < heads.turned; ++h) {
            for (std::int32_t j = 0; j < half; ++j) {
                const auto at = static_cast<std::size_t>(i * heads.row_stride + h * heads.dim + j);
                const auto other = at + static_cast<std::size_t>(half);
                const double error = 4 * kFloatRoundoff * (std::abs(x[at]) + std::abs(x[other]));
                bounds[at] = bound_of<T>(want[at], error);
                bounds[other] = bound_of<T>(want[other], error);
            }
        }
    }
    return bounds;
}

TYPED_TEST(GpuRope, TurnsAsTheReferenceUpToTheLongestContext) {
    const Numbers positions{0, 1, 4095, 131071, 131072, 17};
    const auto m = static_cast<std::int32_t>(positions.size());
    const auto where = this->upload(positions);
    for (const Heads& heads :
         {Heads{3, 16, 80}, {2, 128, 512}, {5, 6, 31}, {1, 2, 2}, {2, 8, 24}, {1, 256, 256}}) {
        for (const bool inverse : {false, true}) {
            const auto count = positions.size() * static_cast<std::size_t>(heads.row_stride);
            const Values x = this->template random<TypeParam>(count, 4);
            auto turned = this->template upload_as<TypeParam>(x);
            this->gpu().rope(turned.data(), where.data(), m, heads.turned, heads.dim,
                             heads.row_stride, 1e6, inverse);
            Values want = x;
            this->reference().rope(want.data(), positions.data(), m, heads.turned, heads.dim,
                                   heads.row_stride, 1e6, inverse);
            this->expect_within(turned, want, rope_bounds<TypeParam>(x, want, heads, m));
        }
    }
}

TYPED_TEST(GpuRope, GivesTheSameBitsAgain) {
    const auto positions = this->upload(Numbers{3, 1000});
    const Values x = this->template random<TypeParam>(2 * 64);
    this->expect_same_bits([&] {
        auto turned = this->template upload_as<TypeParam>(x);
        this->gpu().rope(turned.data(), positions.data(), 2, 2, 32, 64, 1e4, false);
        return this->host(turned);
    });
}

TYPED_TEST(GpuRope, RefusesHeadsThatItHasNoRoomFor) {
    auto x = this->template upload_as<TypeParam>(Values(514));
    const auto positions = this->upload(Numbers{0});
    EXPECT_THROW(this->gpu().rope(x.data(), positions.data(), 1, 1, 514, 514, 1e4, false), Error);
}

}  // namespace
}  // namespace r1::test
