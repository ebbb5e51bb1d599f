// SPDX-License-Identifier: Apache-2.0
// The two fused steps of decoding beside the operations that they stand for, in double.
#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {
namespace {

constexpr double kEps = 1e-6, kTheta = 1e4;
constexpr std::int32_t kPageTokens = 4, kPagesOfRow = 2;

template <class T>
class GpuDecodeInputs : public BackendTest<T> {
  protected:
    /// Rows, the norm's weights and a matrix, with what their product is and may be off by.
    struct Product {
        Values x, weight, w, bias;
        std::int32_t m, columns, width;
        Values want, bounds;
    };

    Product product(std::int32_t m, std::int32_t columns, std::int32_t width, bool with_bias) {
        const auto count = [](std::int32_t a, std::int32_t b) {
            return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
        };
        Product p{this->template random<T>(count(m, width), 3),
                  this->template random<T>(count(1, width)),
                  this->template random<T>(count(columns, width)),
                  this->template random<T>(with_bias ? count(1, columns) : 0),
                  m,
                  columns,
                  width,
                  Values(count(m, columns)),
                  Values(count(m, columns))};
        Values normed(p.x.size()), rstd(count(m, 1));
        this->reference().rms_norm_forward(normed.data(), rstd.data(), p.x.data(), p.weight.data(),
                                           m, width, kEps);
        const auto times_matrix = [&](const Values& rows, const Values& matrix,
                                      const Values& added) {
            Values y(p.want.size());
            this->reference().linear_forward(y.data(), rows.data(), matrix.data(),
                                             added.empty() ? nullptr : added.data(), m, columns,
                                             width);
            return y;
        };
        p.want = times_matrix(normed, p.w, p.bias);
        // The norm is off as norm_test.cpp says, and rounded; its errors go through the matrix. The
        // sums are off as matrix_product_test.cpp says.
        const double relative = (0.5 * width + 6) * kFloatRoundoff;
        Values errors = normed, sizes = normed;
        for (std::size_t i = 0; i < normed.size(); ++i) {
            errors[i] = bound_of<T>(normed[i], relative * std::abs(normed[i]));
            sizes[i] = std::abs(normed[i]) + errors[i];
        }
        const Values absolute = this->magnitudes(p.w);
        const Values passed = times_matrix(errors, absolute, {});
        const Values terms = times_matrix(sizes, absolute, this->magnitudes(p.bias));
        for (std::size_t i = 0; i < p.want.size(); ++i)
            p.bounds[i] =
                bound_of<T>(p.want[i], passed[i] + 2 * (width + 3) * kFloatRoundoff * terms[i]);
        return p;
    }

    /// What the device gets of a product, with room that is poisoned.
    struct OnDevice {
        Array<T> x, weight, w, bias, normed;
        Array<float> rstd;
        NormedRows<T> rows(std::int32_t width) {
            return {x.data(), weight.data(), width, kEps, normed.data(), rstd.data()};
        }
        const T* bias_or_null() const { return bias.size() == 0 ? nullptr : bias.data(); }
    };
    OnDevice on_device(const Product& p) {
        return {this->template upload_as<T>(p.x),
                this->template upload_as<T>(p.weight),
                this->template upload_as<T>(p.w),
                this->template upload_as<T>(p.bias),
                this->template poisoned<T>(p.x.size()),
                this->template poisoned<float>(static_cast<std::size_t>(p.m))};
    }

    HeadShape heads_{4, 2, 16};
    /// Row 1 is idle: its table ends before its position.
    static std::int32_t position_of(std::int32_t row) {
        return row == 1 ? kPagesOfRow * kPageTokens : (5 + 3 * row) % 8;
    }
    /// The row of the cache for a row that is not idle; pages lie backwards.
    static std::int32_t cache_row_of(std::int32_t row, std::int32_t rows) {
        const std::int32_t at = position_of(row);
        return (rows * kPagesOfRow - 1 - (row * kPagesOfRow + at / kPageTokens)) * kPageTokens +
               at % kPageTokens;
    }
    struct Outputs {
        std::vector<T> qkv, keys, values;
    };
    Outputs attention_inputs(const Product& p, std::int32_t rows) {
        OnDevice device = on_device(p);
        Numbers positions, tables;
        for (std::int32_t row = 0; row < p.m; ++row) {
            positions.push_back(position_of(row));
            for (std::int32_t page = 0; page < kPagesOfRow; ++page)
                tables.push_back(p.m * kPagesOfRow - 1 - (row * kPagesOfRow + page));
        }
        const auto where = this->upload(positions), pages = this->upload(tables);
        auto qkv = this->template poisoned<T>(p.want.size());
        const auto cached = static_cast<std::size_t>(p.m * kPagesOfRow * kPageTokens) *
                            static_cast<std::size_t>(heads_.kv_width());
        auto keys = this->template poisoned<T>(cached), values = this->template poisoned<T>(cached);
        this->gpu().attention_inputs(qkv.data(), {keys.data(), values.data(), kPageTokens},
                                     device.rows(p.width), device.w.data(), device.bias_or_null(),
                                     {pages.data(), where.data(), kPagesOfRow, rows}, heads_,
                                     kTheta);
        return {this->host(qkv), this->host(keys), this->host(values)};
    }
    std::vector<T> feed_forward_inputs(const Product& p, std::int32_t rows) {
        OnDevice device = on_device(p);
        auto y = this->template poisoned<T>(p.want.size() / 2);
        auto room = this->template poisoned<T>(p.want.size());
        this->gpu().feed_forward_inputs(y.data(), room.data(), device.rows(p.width),
                                        device.w.data(), rows, p.columns / 2);
        return this->host(y);
    }

    static void expect_near(const T& got, double want, double bound) {
        EXPECT_LE(std::abs(static_cast<double>(got) - want), bound)
            << static_cast<double>(got) << " for " << want;
    }
    static bool is_poison(const T& value) {
        std::uint16_t half = 0;
        std::memcpy(&half, &value, sizeof half);
        return half == 0xFFFF;
    }
    void check_attention(std::int32_t m, std::int32_t width, bool with_bias);
    void check_feed_forward(std::int32_t m, std::int32_t n, std::int32_t width);
};
TYPED_TEST_SUITE(GpuDecodeInputs, GpuTypes);

template <class T>
void GpuDecodeInputs<T>::check_attention(std::int32_t m, std::int32_t width, bool with_bias) {
    const Product p = product(m, heads_.qkv_width(), width, with_bias);
    Numbers positions;
    for (std::int32_t row = 0; row < m; ++row) positions.push_back(position_of(row));
    Values want = p.want;
    this->reference().rope(want.data(), positions.data(), m, heads_.heads + heads_.kv_heads,
                           heads_.head_dim, heads_.qkv_width(), kTheta, false);
    const Outputs got = attention_inputs(p, m);
    const std::int32_t half = heads_.head_dim / 2;
    for (std::int32_t row = 0; row < m; ++row) {
        for (std::int32_t column = 0; column < heads_.qkv_width(); ++column) {
            const auto at = static_cast<std::size_t>(row * heads_.qkv_width() + column);
            const std::int32_t in_head = column % heads_.head_dim;
            const auto other = in_head < half ? at + static_cast<std::size_t>(half)
                                              : at - static_cast<std::size_t>(half);
            const std::int32_t in_cache = column - heads_.query_width();
            const bool turned = in_cache < heads_.kv_width();
            // A turned value is two products and a sum of values that are off themselves.
            const double error =
                p.bounds[at] + p.bounds[other] +
                4 * kFloatRoundoff * (std::abs(p.want[at]) + std::abs(p.want[other]));
            const double bound = turned ? bound_of<T>(want[at], error) : p.bounds[at];
            if (in_cache < 0) {
                expect_near(got.qkv[at], want[at], bound);
            } else if (row != 1) {
                const auto& stored = turned ? got.keys : got.values;
                const auto place = static_cast<std::size_t>(
                    cache_row_of(row, m) * heads_.kv_width() + in_cache % heads_.kv_width());
                expect_near(stored[place], want[at], bound);
            }
        }
    }
    std::size_t untouched = 0;
    for (const T& value : got.keys) untouched += is_poison(value);
    const std::int32_t stored_rows = m > 1 ? m - 1 : m;
    EXPECT_EQ(untouched, got.keys.size() - static_cast<std::size_t>(stored_rows) *
                                               static_cast<std::size_t>(heads_.kv_width()));
}

template <class T>
void GpuDecodeInputs<T>::check_feed_forward(std::int32_t m, std::int32_t n, std::int32_t width) {
    const Product p = product(m, 2 * n, width, false);
    const std::vector<T> got = feed_forward_inputs(p, m);
    for (std::int32_t row = 0; row < m; ++row) {
        for (std::int32_t j = 0; j < n; ++j) {
            const auto gate = static_cast<std::size_t>(row * 2 * n + j);
            const auto up = gate + static_cast<std::size_t>(n);
            const double g = p.want[gate], u = p.want[up];
            const double silu = g / (1 + std::exp(-g)), want = silu * u;
            // silu grows by at most 1.1 of what its argument does (swiglu_test.cpp).
            const double slack = 1.1 * p.bounds[gate];
            const double error = slack * (std::abs(u) + p.bounds[up]) +
                                 std::abs(silu) * p.bounds[up] +
                                 8 * kFloatRoundoff * (std::abs(silu) + slack) * (std::abs(u) + 1);
            expect_near(got[static_cast<std::size_t>(row * n + j)], want, bound_of<T>(want, error));
        }
    }
}

/// One to four rows have a kernel of their own where the width is a multiple of 8; at 1544 and 6160
/// several warps share a column.
TYPED_TEST(GpuDecodeInputs, OfAttentionAreWithinRoundingOfTheReference) {
    for (std::int32_t m = 1; m <= 5; ++m) this->check_attention(m, 72, m % 2 == 0);
    this->check_attention(2, 1544, true);
    this->check_attention(1, 6160, false);
    this->check_attention(3, 31, true);
    this->heads_ = {3, 1, 8};  // too small for several values at a time
    this->check_attention(2, 72, true);
    this->check_attention(6, 72, true);
}

TYPED_TEST(GpuDecodeInputs, OfTheFeedForwardHalfAreWithinRoundingOfTheReference) {
    for (std::int32_t m = 1; m <= 5; ++m) this->check_feed_forward(m, 21, 72);
    this->check_feed_forward(2, 9, 1544);
    this->check_feed_forward(1, 9, 6160);
    this->check_feed_forward(3, 8, 31);
    // As many bytes of rows as shared memory takes, and a few more.
    for (const std::int32_t width : {6016, 6024, 6144})
        this->check_feed_forward(static_cast<std::int32_t>(8 / sizeof(TypeParam)), 2, width);
}

/// Decoding a sequence alone or with others gives the same tokens.
TYPED_TEST(GpuDecodeInputs, OfFewRowsHaveTheBitsOfOne) {
    const auto p = this->product(4, this->heads_.qkv_width(), 1544, true);
    const auto q = this->product(4, 24, 1544, false);
    const auto all = this->attention_inputs(p, 4).qkv;
    const auto gated = this->feed_forward_inputs(q, 4);
    const auto queries = static_cast<std::size_t>(this->heads_.query_width());
    for (std::int32_t m = 1; m < 4; ++m) {
        const auto few = this->attention_inputs(p, m).qkv;
        for (std::int32_t row = 0; row < m; ++row) {
            const auto at = static_cast<std::size_t>(row * this->heads_.qkv_width());
            EXPECT_EQ(std::memcmp(&few[at], &all[at], queries * sizeof(TypeParam)), 0);
        }
        const auto few_gated = this->feed_forward_inputs(q, m);
        EXPECT_EQ(std::memcmp(few_gated.data(), gated.data(),
                              static_cast<std::size_t>(m * 12) * sizeof(TypeParam)),
                  0);
    }
}

TYPED_TEST(GpuDecodeInputs, GiveTheSameBitsAgain) {
    const auto p = this->product(2, this->heads_.qkv_width(), 1544, true);
    this->expect_same_bits([&] { return this->attention_inputs(p, 2).keys; });
    const auto q = this->product(2, 24, 1544, false);
    this->expect_same_bits([&] { return this->feed_forward_inputs(q, 2); });
}

}  // namespace
}  // namespace r1::test
