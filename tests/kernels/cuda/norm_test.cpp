// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {
namespace {

template <class T>
class GpuNorm : public BackendTest<T> {};
TYPED_TEST_SUITE(GpuNorm, GpuTypes);

constexpr double kEps = 1e-6;

// The squares are positive, so their sum of `width` terms is off by width roundoffs, of which the
// root keeps half; division by the width, eps, root and inverse add at most 4. A product adds one.
TYPED_TEST(GpuNorm, ForwardIsWithinRoundingOfTheReference) {
    for (const std::int32_t width : {1, 7, 32, 96, 261, 2560}) {
        // Where eps is next to nothing, and where it is most.
        const double scale = width % 2 == 0 ? 3 : 1e-3;
        const std::int32_t m = 5;
        const auto size = static_cast<std::size_t>(width);
        const Values x = this->template random<TypeParam>(m * size, scale);
        const Values w = this->template random<TypeParam>(size);
        const auto input = this->template upload_as<TypeParam>(x);
        const auto weight = this->template upload_as<TypeParam>(w);
        auto y = this->template poisoned<TypeParam>(m * size);
        auto rstd = this->template poisoned<float>(m);
        const auto run = [&] {
            this->gpu().rms_norm_forward(y.data(), rstd.data(), input.data(), weight.data(), m,
                                         width, kEps);
            return this->host(y);
        };
        this->expect_same_bits(run);
        Values want(m * size), want_rstd(m);
        this->reference().rms_norm_forward(want.data(), want_rstd.data(), x.data(), w.data(), m,
                                           width, kEps);
        const double relative = (0.5 * width + 4) * kFloatRoundoff;
        Values bounds(want.size()), rstd_bounds(want_rstd.size());
        for (std::size_t i = 0; i < want.size(); ++i) {
            bounds[i] =
                bound_of<TypeParam>(want[i], (relative + 2 * kFloatRoundoff) * std::abs(want[i]));
        }
        for (std::size_t i = 0; i < want_rstd.size(); ++i) rstd_bounds[i] = relative * want_rstd[i];
        this->expect_within(y, want, bounds);
        this->expect_within(rstd, want_rstd, rstd_bounds);
    }
}

template <class T>
struct Gradient {
    Values dy, x, w, rstd, dx, dw;
    std::int32_t m, width;

    /// What dx may be off by: a mean of `width` terms of 4 roundings each, and 6 roundings after
    /// it.
    Values dx_bounds(const Values& want) const {
        const auto size = static_cast<std::size_t>(width);
        Values bounds(want.size());
        for (std::size_t i = 0; i < static_cast<std::size_t>(m); ++i) {
            double mean = 0;
            for (std::size_t j = 0; j < size; ++j)
                mean += std::abs(x[i * size + j] * rstd[i] * w[j] * dy[i * size + j]) / width;
            for (std::size_t j = 0; j < size; ++j) {
                const std::size_t at = i * size + j;
                const double terms =
                    std::abs(dx[at]) + rstd[i] * (6 * std::abs(w[j] * dy[at]) +
                                                  (width + 10) * std::abs(x[at] * rstd[i]) * mean);
                bounds[at] = bound_of<T>(want[at], kFloatRoundoff * terms);
            }
        }
        return bounds;
    }
    /// m terms of 2 roundings each, and the addition to what is there.
    Values dw_bounds() const {
        Values bounds = dw;
        for (std::size_t j = 0; j < bounds.size(); ++j) {
            double terms = std::abs(dw[j]);
            for (std::size_t i = 0; i < static_cast<std::size_t>(m); ++i) {
                const std::size_t at = i * bounds.size() + j;
                terms += std::abs(x[at] * rstd[i] * dy[at]);
            }
            bounds[j] = (m + 4) * kFloatRoundoff * terms + kTiny;
        }
        return bounds;
    }
};

TYPED_TEST(GpuNorm, GradientsAreAddedWithinRoundingOfTheReference) {
    // Rows beyond one part of the column sums, and beyond one step of a part.
    for (const auto& [m, width] : {std::pair{1, 8}, {3, 7}, {5, 261}, {70, 24}, {4200, 3}}) {
        const std::size_t size = static_cast<std::size_t>(width);
        const std::size_t count = static_cast<std::size_t>(m) * size;
        Gradient<TypeParam> g{this->template random<TypeParam>(count),
                              this->template random<TypeParam>(count, 3),
                              this->template random<TypeParam>(size),
                              Values(static_cast<std::size_t>(m)),
                              this->template random<TypeParam>(count),
                              this->template random<float>(size),
                              m,
                              width};
        Values y(count);
        this->reference().rms_norm_forward(y.data(), g.rstd.data(), g.x.data(), g.w.data(), m,
                                           width, kEps);
        for (double& v : g.rstd) v = static_cast<float>(v);
        const auto dy = this->template upload_as<TypeParam>(g.dy);
        const auto x = this->template upload_as<TypeParam>(g.x);
        const auto w = this->template upload_as<TypeParam>(g.w);
        const auto rstd = this->template upload_as<float>(g.rstd);
        auto dx = this->template upload_as<TypeParam>(g.dx);
        auto dw = this->template upload_as<float>(g.dw);
        const auto run = [&, rows = m, columns = width] {
            dx = this->template upload_as<TypeParam>(g.dx);
            dw = this->template upload_as<float>(g.dw);
            this->gpu().rms_norm_backward(dx.data(), dw.data(), dy.data(), x.data(), w.data(),
                                          rstd.data(), rows, columns);
            return this->host(dw);
        };
        this->expect_same_bits(run);
        Values want = g.dx, want_dw = g.dw;
        this->reference().rms_norm_backward(want.data(), want_dw.data(), g.dy.data(), g.x.data(),
                                            g.w.data(), g.rstd.data(), m, width);
        this->expect_within(dx, want, g.dx_bounds(want));
        this->expect_within(dw, want_dw, g.dw_bounds());
    }
}

}  // namespace
}  // namespace r1::test
