// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/tiled_product.h"
#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {
namespace {

template <class T>
class GpuProduct : public BackendTest<T> {
  protected:
    /// A sum of `terms` products, whose absolute values add up to `magnitude`. Products of Bf16 are
    /// exact, those of float are not; tensor cores may cut where others round, which is twice as
    /// much.
    template <class Out>
    static Values bounds(const Values& want, const Values& magnitude, std::int32_t terms) {
        Values result(want.size());
        for (std::size_t i = 0; i < want.size(); ++i)
            result[i] = bound_of<Out>(want[i], 2 * (terms + 3) * kFloatRoundoff * magnitude[i]);
        return result;
    }
};
TYPED_TEST_SUITE(GpuProduct, GpuTypes);

struct Sizes {
    std::int32_t m, n, k;
    std::size_t x() const { return static_cast<std::size_t>(m) * static_cast<std::size_t>(k); }
    std::size_t w() const { return static_cast<std::size_t>(n) * static_cast<std::size_t>(k); }
    std::size_t y() const { return static_cast<std::size_t>(m) * static_cast<std::size_t>(n); }
};
/// Multiples of 8, for which cuBLASLt has algorithms in Bf16; odd sizes; one to four rows, which
/// have a kernel of their own where the depth is a multiple of 8, in which several warps share a
/// column from a depth of 1536 on; nothing.
constexpr Sizes kSizes[] = {{16, 24, 8},   {37, 16, 56}, {5, 261, 24}, {3, 8, 7},  {33, 17, 129},
                            {1, 1, 1},     {1, 64, 40},  {2, 41, 264}, {3, 9, 16}, {4, 24, 520},
                            {3, 11, 1544}, {1, 6, 6160}, {0, 8, 8},    {4, 0, 8},  {4, 8, 0}};

TYPED_TEST(GpuProduct, ForwardIsWithinRoundingOfTheReference) {
    using T = TypeParam;
    for (const Sizes& s : kSizes) {
        const Values x = this->template random<T>(s.x()), w = this->template random<T>(s.w());
        const Values bias = this->template random<T>(static_cast<std::size_t>(s.n));
        const Values residual = this->template random<T>(s.y());
        const auto dx = this->template upload_as<T>(x), dw = this->template upload_as<T>(w);
        const auto dbias = this->template upload_as<T>(bias);
        const auto dresidual = this->template upload_as<T>(residual);
        auto plain = this->template poisoned<T>(s.y()), biased = this->template poisoned<T>(s.y());
        auto added = this->template poisoned<T>(s.y());
        auto wide = this->template poisoned<float>(s.y());
        this->expect_same_bits([&] {
            this->gpu().linear_forward(biased.data(), dx.data(), dw.data(), dbias.data(), s.m, s.n,
                                       s.k);
            return this->host(biased);
        });
        this->gpu().linear_forward(plain.data(), dx.data(), dw.data(), nullptr, s.m, s.n, s.k);
        this->gpu().linear_forward_residual(added.data(), dx.data(), dw.data(), dresidual.data(),
                                            s.m, s.n, s.k);
        this->gpu().linear_forward_wide(wide.data(), dx.data(), dw.data(), s.m, s.n, s.k);
        const auto forward = [&](const Values& a, const Values& b, const double* c) {
            Values y(s.y());
            this->reference().linear_forward(y.data(), a.data(), b.data(), c, s.m, s.n, s.k);
            return y;
        };
        const Values abs_x = this->magnitudes(x), abs_w = this->magnitudes(w);
        const Values abs_bias = this->magnitudes(bias);
        const Values want = forward(x, w, nullptr), sizes = forward(abs_x, abs_w, nullptr);
        const Values want_biased = forward(x, w, bias.data());
        const Values biased_sizes = forward(abs_x, abs_w, abs_bias.data());
        Values want_added = want, added_sizes = sizes;
        for (std::size_t i = 0; i < want.size(); ++i) {
            want_added[i] += residual[i];
            added_sizes[i] += std::abs(residual[i]);
        }
        this->expect_within(plain, want, this->template bounds<T>(want, sizes, s.k));
        this->expect_within(biased, want_biased,
                            this->template bounds<T>(want_biased, biased_sizes, s.k));
        this->expect_within(added, want_added,
                            this->template bounds<T>(want_added, added_sizes, s.k));
        this->expect_within(wide, want, this->template bounds<float>(want, sizes, s.k));
    }
}

TYPED_TEST(GpuProduct, InputGradientsAreWithinRoundingOfTheReference) {
    using T = TypeParam;
    for (const Sizes& s : kSizes) {
        const Values dy = this->template random<T>(s.y()), w = this->template random<T>(s.w());
        const Values before = this->template random<T>(s.x());
        const auto gradient = this->template upload_as<T>(dy);
        const auto weight = this->template upload_as<T>(w);
        for (const bool accumulate : {false, true}) {
            auto dx = accumulate ? this->template upload_as<T>(before)
                                 : this->template poisoned<T>(s.x());
            this->gpu().linear_backward_input(dx.data(), gradient.data(), weight.data(), s.m, s.n,
                                              s.k, accumulate);
            Values want = before, sizes = this->magnitudes(before);
            this->reference().linear_backward_input(want.data(), dy.data(), w.data(), s.m, s.n, s.k,
                                                    accumulate);
            this->reference().linear_backward_input(sizes.data(), this->magnitudes(dy).data(),
                                                    this->magnitudes(w).data(), s.m, s.n, s.k,
                                                    accumulate);
            this->expect_within(dx, want, this->template bounds<T>(want, sizes, s.n));
        }
    }
}

TYPED_TEST(GpuProduct, WeightGradientsAreAddedWithinRoundingOfTheReference) {
    using T = TypeParam;
    for (const Sizes& s : kSizes) {
        const Values dy = this->template random<T>(s.y()), x = this->template random<T>(s.x());
        const Values before = this->template random<float>(s.w());
        const Values bias_before = this->template random<float>(static_cast<std::size_t>(s.n));
        const auto gradient = this->template upload_as<T>(dy);
        const auto input = this->template upload_as<T>(x);
        auto dbias = this->template upload_as<float>(bias_before);
        auto dw = this->template upload_as<float>(before);
        this->gpu().linear_backward_weight(dw.data(), dbias.data(), gradient.data(), input.data(),
                                           s.m, s.n, s.k);
        Values want = before, want_bias = bias_before;
        Values sizes = this->magnitudes(before), bias_sizes = this->magnitudes(bias_before);
        this->reference().linear_backward_weight(want.data(), want_bias.data(), dy.data(), x.data(),
                                                 s.m, s.n, s.k);
        this->reference().linear_backward_weight(sizes.data(), bias_sizes.data(),
                                                 this->magnitudes(dy).data(),
                                                 this->magnitudes(x).data(), s.m, s.n, s.k);
        this->expect_within(dw, want, this->template bounds<float>(want, sizes, s.m));
        this->expect_within(dbias, want_bias,
                            this->template bounds<float>(want_bias, bias_sizes, s.m));
        dw = this->template upload_as<float>(before);
        this->gpu().linear_backward_weight(dw.data(), nullptr, gradient.data(), input.data(), s.m,
                                           s.n, s.k);
        this->expect_within(dw, want, this->template bounds<float>(want, sizes, s.m));
    }
}

/// Pointers that are aligned to their type alone, for sizes that have an algorithm where they are.
TYPED_TEST(GpuProduct, AlignmentDoesNotMatterToTheResult) {
    using T = TypeParam;
    const Sizes s{16, 32, 64};
    const Values x = this->template random<T>(s.x() + 1), w = this->template random<T>(s.w());
    const auto input = this->template upload_as<T>(x), weight = this->template upload_as<T>(w);
    auto y = this->template poisoned<T>(s.y());
    this->gpu().linear_forward(y.data(), input.data() + 1, weight.data(), nullptr, s.m, s.n, s.k);
    const Values moved(x.begin() + 1, x.end());
    Values want(s.y()), sizes(s.y());
    this->reference().linear_forward(want.data(), moved.data(), w.data(), nullptr, s.m, s.n, s.k);
    this->reference().linear_forward(sizes.data(), this->magnitudes(moved).data(),
                                     this->magnitudes(w).data(), nullptr, s.m, s.n, s.k);
    this->expect_within(y, want, this->template bounds<T>(want, sizes, s.k));
}

/// Decoding a sequence alone or with others gives the same tokens.
TYPED_TEST(GpuProduct, FewRowsHaveTheBitsOfOne) {
    using T = TypeParam;
    const Sizes s{4, 24, 1544};
    const auto x = this->template upload_as<T>(this->template random<T>(s.x()));
    const auto w = this->template upload_as<T>(this->template random<T>(s.w()));
    auto all = this->template poisoned<T>(s.y());
    this->gpu().linear_forward(all.data(), x.data(), w.data(), nullptr, s.m, s.n, s.k);
    for (std::int32_t m = 1; m < s.m; ++m) {
        auto few = this->template poisoned<T>(static_cast<std::size_t>(m * s.n));
        this->gpu().linear_forward(few.data(), x.data(), w.data(), nullptr, m, s.n, s.k);
        std::vector<T> want = this->host(all);
        want.resize(static_cast<std::size_t>(m * s.n));
        EXPECT_TRUE(this->same_bits(this->host(few), want));
    }
}

/// The kernel for what cuBLASLt has no algorithm, on the sizes for which it has one too.
TYPED_TEST(GpuProduct, OurOwnKernelTakesAnySizes) {
    using T = TypeParam;
    for (const Sizes& s : {Sizes{16, 24, 8}, {33, 17, 129}, {1, 261, 16}}) {
        const Values x = this->template random<T>(s.x()), w = this->template random<T>(s.w());
        const Values bias = this->template random<T>(static_cast<std::size_t>(s.n));
        const auto input = this->template upload_as<T>(x), weight = this->template upload_as<T>(w);
        const auto dbias = this->template upload_as<T>(bias);
        auto y = this->template poisoned<float>(s.y());
        this->gpu().finish();
        this->expect_same_bits([&] {
            cuda::tiled_product<T, float>(y.data(), input.data(), weight.data(), dbias.data(),
                                          nullptr, {s.m, s.n, s.k, false, false}, nullptr);
            cuda::check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
            return this->host(y);
        });
        Values want(s.y()), sizes(s.y());
        this->reference().linear_forward(want.data(), x.data(), w.data(), bias.data(), s.m, s.n,
                                         s.k);
        this->reference().linear_forward(sizes.data(), this->magnitudes(x).data(),
                                         this->magnitudes(w).data(), this->magnitudes(bias).data(),
                                         s.m, s.n, s.k);
        this->expect_within(y, want, this->template bounds<float>(want, sizes, s.k));
    }
}

}  // namespace
}  // namespace r1::test
