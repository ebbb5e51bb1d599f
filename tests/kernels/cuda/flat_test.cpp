// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {
namespace {

template <class T>
class GpuFlat : public BackendTest<T> {};
TYPED_TEST_SUITE(GpuFlat, GpuTypes);

constexpr std::size_t kCounts[] = {0, 1, 3, 4, 1027, 4099};

/// One rounding each: the bits of the same sum and product on the host.
TYPED_TEST(GpuFlat, SumsAndProductsHaveTheBitsOfTheHost) {
    for (const std::size_t count : kCounts) {
        const Values x = this->template random<float>(count + 1);
        const Values y = this->template random<float>(count + 1);
        for (const std::size_t start : {0, 1}) {  // 1: not aligned to 16 bytes
            auto sum = this->template upload_as<float>(y);
            auto scaled = this->template upload_as<float>(y);
            const auto added = this->template upload_as<float>(x);
            const std::size_t size = start == 0 ? count + 1 : count;
            this->gpu().accumulate(sum.data() + start, added.data() + start, size);
            this->gpu().scale(scaled.data() + start, 0.3, size);
            std::vector<float> want(y.begin(), y.end()), want_scaled = want;
            for (std::size_t i = start; i < want.size(); ++i) {
                want[i] += static_cast<float>(x[i]);
                want_scaled[i] *= 0.3F;
            }
            EXPECT_TRUE(this->same_bits(want, this->host(sum)));
            EXPECT_TRUE(this->same_bits(want_scaled, this->host(scaled)));
        }
    }
}

TYPED_TEST(GpuFlat, NarrowRoundsToNearestAndWidenIsExact) {
    Values x = this->template random<float>(4099, 1e3);
    // Ties to even both ways, the smallest step off a tie, what overflows, zeros.
    const Values edges{
        1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-8 + 0x1p-23, 3.4e38, -3.4e38, 0.0, -0.0, 0x1p-133,
        0x1p-149,   INFINITY};
    x.insert(x.end(), edges.begin(), edges.end());
    for (const std::size_t count : {x.size(), x.size() - 1, std::size_t{0}}) {
        const std::vector<float> values(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(count));
        std::vector<TypeParam> want;
        std::vector<float> back;
        for (const float v : values) {
            want.push_back(static_cast<TypeParam>(v));
            back.push_back(static_cast<float>(want.back()));
        }
        auto narrow = this->template poisoned<TypeParam>(count);
        auto wide = this->template poisoned<float>(count);
        this->gpu().narrow(narrow.data(), this->upload(values).data(), count);
        this->gpu().widen(wide.data(), narrow.data(), count);
        EXPECT_TRUE(this->same_bits(want, this->host(narrow)));
        EXPECT_TRUE(this->same_bits(back, this->host(wide)));
    }
    const auto nan = this->upload(std::vector<float>{NAN});
    auto narrow = this->template upload_as<TypeParam>({0});
    this->gpu().narrow(narrow.data(), nan.data(), 1);
    EXPECT_TRUE(std::isnan(static_cast<float>(this->host(narrow)[0])));
}

/// In double each square is exact, so count additions are rounded, relative to positive sums.
TYPED_TEST(GpuFlat, SumsOfSquaresAreWithinRoundingAndDependOnTheirNumberAlone) {
    const Values x = this->template random<float>(20000);
    const auto input = this->template upload_as<float>(x);
    const std::size_t bounds[] = {0, 0, 1, 5, 4101, 20000};
    double got[5], want[5];
    this->expect_same_bits([&] {
        this->gpu().sum_squares(got, input.data(), bounds);
        return std::vector<double>(got, got + 5);
    });
    this->reference().sum_squares(want, x.data(), bounds);
    for (std::size_t i = 0; i < 5; ++i) {
        const auto count = static_cast<double>(bounds[i + 1] - bounds[i]);
        EXPECT_NEAR(got[i], want[i], 2 * count * 0x1p-53 * want[i]);
    }
    // The same values elsewhere, and alone.
    std::vector<float> moved(3 + 4096);
    for (std::size_t i = 0; i < 4096; ++i) moved[3 + i] = static_cast<float>(x[5 + i]);
    const std::size_t alone[] = {3, 3 + 4096};
    double again = 0;
    this->gpu().sum_squares(&again, this->upload(moved).data(), alone);
    EXPECT_EQ(again, got[3]);
    this->gpu().sum_squares(nullptr, input.data(), std::span<const std::size_t>());
}

struct Optimizer {
    Values master, gradients, first, second;
};

/// One step in float: moments are two products and a sum of rounded constants, 4 roundings of their
/// absolute terms; the quotient takes the errors of both and 6 more.
struct AdamWBounds {
    double master, first, second;
    AdamWBounds(const AdamWStep& s, double p, double g, double m, double v) {
        const double scaled = std::abs(g) * s.gradient_scale;
        first = 4 * kFloatRoundoff * (s.beta1 * std::abs(m) + (1 - s.beta1) * scaled) + kTiny;
        second = 6 * kFloatRoundoff * (s.beta2 * v + (1 - s.beta2) * scaled * scaled) + kTiny;
        const double step = static_cast<double>(s.step);
        const double size = s.learning_rate / (1 - std::pow(s.beta1, step));
        const double new_v = s.beta2 * v + (1 - s.beta2) * scaled * scaled;
        const double denominator =
            std::sqrt(new_v) / std::sqrt(1 - std::pow(s.beta2, step)) + s.epsilon;
        const double terms = s.beta1 * std::abs(m) + (1 - s.beta1) * scaled;
        const double change = size * terms / denominator;
        // Moment 4, root of the second moment 3, and 6 of the quotient's own.
        master = kFloatRoundoff * (13 * change + 4 * std::abs(p)) + kTiny;
    }
};

TYPED_TEST(GpuFlat, AdamWIsWithinRoundingOfTheReference) {
    const AdamWStep step{1e-2, 0.9, 0.95, 1e-8, 0.1, 0.5, 3};
    for (const std::size_t count : kCounts) {
        Optimizer o{this->template random<float>(count), this->template random<float>(count),
                    this->template random<float>(count, 0.1),
                    this->magnitudes(this->template random<float>(count, 0.01))};
        auto weights = this->template poisoned<TypeParam>(count);
        auto master = this->template upload_as<float>(o.master);
        auto first = this->template upload_as<float>(o.first);
        auto second = this->template upload_as<float>(o.second);
        const auto gradients = this->template upload_as<float>(o.gradients);
        this->gpu().adamw(weights.data(), master.data(), gradients.data(), first.data(),
                          second.data(), count, step);
        Optimizer want = o;
        this->reference().adamw(want.master.data(), want.master.data(), want.gradients.data(),
                                want.first.data(), want.second.data(), count, step);
        Values master_bounds, first_bounds, second_bounds;
        for (std::size_t i = 0; i < count; ++i) {
            const AdamWBounds b(step, o.master[i], o.gradients[i], o.first[i], o.second[i]);
            master_bounds.push_back(b.master);
            first_bounds.push_back(b.first);
            second_bounds.push_back(b.second);
        }
        this->expect_within(master, want.master, master_bounds);
        this->expect_within(first, want.first, first_bounds);
        this->expect_within(second, want.second, second_bounds);
        std::vector<TypeParam> nearest;
        for (const float v : this->host(master)) nearest.push_back(static_cast<TypeParam>(v));
        EXPECT_TRUE(this->same_bits(nearest, this->host(weights)));
    }
}

TYPED_TEST(GpuFlat, WeightsMayBeTheMasterParameters) {
    if constexpr (std::is_same_v<TypeParam, float>) {
        const AdamWStep step{1e-2, 0.9, 0.95, 1e-8, 0.1, 1, 1};
        const Values p = this->template random<float>(37);
        auto both = this->template upload_as<float>(p), master = this->template upload_as<float>(p);
        auto weights = this->template poisoned<float>(37);
        const auto gradients = this->template upload_as<float>(this->template random<float>(37));
        auto first = this->template upload_as<float>(Values(37)),
             second = this->template upload_as<float>(Values(37));
        this->gpu().adamw(weights.data(), master.data(), gradients.data(), first.data(),
                          second.data(), 37, step);
        first.zero();
        second.zero();
        this->gpu().adamw(both.data(), both.data(), gradients.data(), first.data(), second.data(),
                          37, step);
        EXPECT_TRUE(this->same_bits(this->host(master), this->host(both)));
    }
}

}  // namespace
}  // namespace r1::test
