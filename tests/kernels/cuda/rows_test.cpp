// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {
namespace {

template <class T>
class GpuRows : public BackendTest<T> {};
TYPED_TEST_SUITE(GpuRows, GpuTypes);

constexpr std::int32_t kWidths[] = {1, 7, 8, 24, 263, 1024};

TYPED_TEST(GpuRows, GatheredRowsAreTheSourcesBitForBit) {
    for (const std::int32_t width : kWidths) {
        const auto size = static_cast<std::size_t>(width);
        const Values x = this->template random<TypeParam>(11 * size);
        const Numbers rows{10, 0, 3, 3, 7};
        const auto source = this->template upload_as<TypeParam>(x);
        const auto wide_source = this->template upload_as<float>(x);
        const auto ids = this->upload(rows);
        auto y = this->template poisoned<TypeParam>(rows.size() * size);
        auto wide = this->template poisoned<float>(rows.size() * size);
        this->gpu().gather_rows(y.data(), source.data(), ids.data(), 5, width);
        this->gpu().gather_wide_rows(wide.data(), wide_source.data(), ids.data(), 5, width);
        Values want(rows.size() * size);
        this->reference().gather_rows(want.data(), x.data(), rows.data(), 5, width);
        this->expect_within(y, want, Values(want.size()));
        this->expect_within(wide, want, Values(want.size()));
    }
}

TYPED_TEST(GpuRows, CopiedColumnsAreTheSourcesAndOthersStay) {
    const std::int32_t m = 5;
    for (const std::int32_t width : {1, 7, 64}) {
        const std::int32_t x_stride = width + 3, y_stride = width + 70;
        const auto rows = static_cast<std::size_t>(m);
        const Values x = this->template random<float>(rows * static_cast<std::size_t>(x_stride));
        Values want = this->template random<float>(rows * static_cast<std::size_t>(y_stride));
        auto y = this->template upload_as<float>(want);
        const auto source = this->template upload_as<float>(x);
        this->gpu().copy_columns(y.data(), y_stride, 67, source.data(), x_stride, 2, m, width);
        this->gpu().copy_columns(y.data(), y_stride, 0, source.data(), x_stride, 0, m, 0);
        this->gpu().copy_columns(y.data(), y_stride, 0, source.data(), x_stride, 0, 0, width);
        this->reference().copy_columns(want.data(), y_stride, 67, x.data(), x_stride, 2, m, width);
        this->expect_within(y, want, Values(want.size()));
    }
}

TYPED_TEST(GpuRows, ScatteredRowsAreAddedAndOthersStay) {
    for (const std::int32_t width : kWidths) {
        const auto size = static_cast<std::size_t>(width);
        const Values dy = this->template random<TypeParam>(3 * size);
        const Values before = this->template random<TypeParam>(6 * size);
        const Numbers rows{4, 0, 5};
        auto dx = this->template upload_as<TypeParam>(before);
        this->gpu().scatter_add_rows(dx.data(), this->template upload_as<TypeParam>(dy).data(),
                                     this->upload(rows).data(), 3, width);
        Values want = before;
        this->reference().scatter_add_rows(want.data(), dy.data(), rows.data(), 3, width);
        Values bounds(want.size());
        for (std::size_t i = 0; i < want.size(); ++i) {
            // A row that nothing is added to keeps its bits; a sum is rounded to float and to T.
            const bool stays = want[i] == before[i];
            bounds[i] =
                stays ? 0 : bound_of<TypeParam>(want[i], kFloatRoundoff * std::abs(want[i]));
        }
        this->expect_within(dx, want, bounds);
    }
}

TYPED_TEST(GpuRows, EmbeddingsOfAPartAreLookedUpAndOthersAreZero) {
    const TablePart part{5, 4};
    const Numbers ids{5, 8, 9, 4, 6, -1, 2000000000};
    for (const std::int32_t width : kWidths) {
        const auto size = static_cast<std::size_t>(width);
        const Values table = this->template random<TypeParam>(4 * size);
        auto y = this->template poisoned<TypeParam>(ids.size() * size);
        this->gpu().embedding_forward(y.data(), this->template upload_as<TypeParam>(table).data(),
                                      part, this->upload(ids).data(),
                                      static_cast<std::int32_t>(ids.size()), width);
        Values want(ids.size() * size);
        this->reference().embedding_forward(want.data(), table.data(), part, ids.data(),
                                            static_cast<std::int32_t>(ids.size()), width);
        this->expect_within(y, want, Values(want.size()));
    }
}

/// Few ids, so that many rows share one; more rows than a block links at a time.
TYPED_TEST(GpuRows, EmbeddingGradientsAreAddedInTheOrderOfTheRows) {
    const TablePart part{2, 9};
    const std::int32_t m = 300;
    for (const std::int32_t width : {5, 8, 40}) {
        const auto size = static_cast<std::size_t>(width);
        const Numbers ids = this->random_ids(m, 14);
        const Values dy = this->template random<TypeParam>(m * size);
        const Values before = this->template random<float>(9 * size);
        const auto gradients = this->template upload_as<TypeParam>(dy);
        const auto id_array = this->upload(ids);
        const auto run = [&] {
            auto dtable = this->template upload_as<float>(before);
            this->gpu().embedding_backward(dtable.data(), part, gradients.data(), id_array.data(),
                                           m, width);
            return this->host(dtable);
        };
        // In the same order as the loops of the reference in float: the same bits.
        std::vector<float> want(before.begin(), before.end());
        const std::vector<float> dy_float(dy.begin(), dy.end());
        make_reference_backend<float>()->embedding_backward(want.data(), part, dy_float.data(),
                                                            ids.data(), m, width);
        EXPECT_TRUE(this->same_bits(want, run()));
        this->expect_same_bits(run);
    }
}

TYPED_TEST(GpuRows, NoRowsAreNoWork) {
    auto x = this->template upload_as<TypeParam>(Values(8, 1.0));
    const auto ids = this->upload(Numbers{0});
    this->gpu().gather_rows(x.data(), x.data(), ids.data(), 0, 8);
    this->gpu().scatter_add_rows(x.data(), x.data(), ids.data(), 0, 8);
    this->gpu().embedding_forward(x.data(), x.data(), {0, 1}, ids.data(), 0, 8);
    this->expect_within(x, Values(8, 1.0), Values(8));
}

}  // namespace
}  // namespace r1::test
