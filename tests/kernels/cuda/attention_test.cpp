// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "common/error.h"
#include "kernels/cuda/ops.h"
#include "tests/kernels/cuda/attention_case.h"
#include "tests/kernels/cuda/gpu_test.h"

namespace r1::test {

namespace {

using Lengths = std::vector<std::int32_t>;

constexpr std::size_t kRowsBeyond = 3;

// A matrix of the batch's rows, and rows beyond them that stay NaN.
template <class V>
DeviceValues<V> with_rows_beyond(const std::vector<V>& values, std::int32_t width) {
    std::vector<V> all(values.size() + kRowsBeyond * static_cast<std::size_t>(width));
    std::memset(static_cast<void*>(all.data()), 0xFF, all.size() * sizeof(V));
    std::copy(values.begin(), values.end(), all.begin());
    return DeviceValues<V>(all);
}

template <class V>
bool same_bits(const std::vector<V>& a, const std::vector<V>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(V)) == 0;
}

template <class V>
void expect_within(const std::vector<V>& got, const Bounded& wanted, std::int32_t width,
                   const std::string& what) {
    double most = 0;
    for (std::size_t i = 0; i < wanted.value.size(); ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - wanted.value[i]);
        ASSERT_LE(error, wanted.bound[i])
            << what << ", row " << i / static_cast<std::size_t>(width) << ", column "
            << i % static_cast<std::size_t>(width) << ": " << static_cast<double>(got[i])
            << ", not " << wanted.value[i];
        if (wanted.bound[i] > 0) most = std::max(most, error / wanted.bound[i]);
    }
    testing::Test::RecordProperty(what, std::to_string(most));
    for (std::size_t i = wanted.value.size(); i < got.size(); ++i) {
        V untouched;
        std::memset(static_cast<void*>(&untouched), 0xFF, sizeof untouched);
        ASSERT_EQ(std::memcmp(&got[i], &untouched, sizeof untouched), 0)
            << what << " beyond the batch";
    }
}

// The inputs of a case on the GPU, the outputs of the calls, and the outputs of the first calls.
template <class T>
class Run {
  public:
    explicit Run(const AttentionCase<T>& c)
        : case_(c),
          offsets_(c.offsets),
          qkv_(with_rows_beyond(c.qkv, c.shape.qkv_width())),
          dout_(with_rows_beyond(c.dout, c.shape.query_width())),
          out_(with_rows_beyond(c.out, c.shape.query_width())),
          lse_(with_rows_beyond(c.lse, c.shape.heads)),
          sequences_{offsets_.data(), static_cast<std::int32_t>(c.offsets.size()) - 1, c.rows,
                     c.longest} {}

    void forward() {
        const auto out = poisoned<T>(case_.shape.query_width());
        const auto lse = poisoned<float>(case_.shape.heads);
        cuda::attention_forward(out->data(), lse->data(), qkv_.data(), sequences_, case_.shape,
                                nullptr);
        cuda::check_cuda(cudaDeviceSynchronize(), "attention_forward");
        expect_within(out->to_host(), case_.wanted_out, case_.shape.query_width(), "out");
        expect_within(lse->to_host(), case_.wanted_lse, case_.shape.heads, "lse");
        expect_repeated(first_out_, out->to_host());
        expect_repeated(first_lse_, lse->to_host());
    }

    void backward() {
        const auto dqkv = poisoned<T>(case_.shape.qkv_width());
        const auto dot = poisoned<float>(case_.shape.heads);
        cuda::attention_backward(dqkv->data(), dot->data(), dout_.data(), out_.data(), lse_.data(),
                                 qkv_.data(), sequences_, case_.shape, scratch_, nullptr);
        cuda::check_cuda(cudaDeviceSynchronize(), "attention_backward");
        expect_within(dot->to_host(), case_.wanted_dot, case_.shape.heads, "dot");
        expect_within(dqkv->to_host(), case_.wanted_dqkv, case_.shape.qkv_width(), "dqkv");
        expect_repeated(first_dqkv_, dqkv->to_host());
    }

  private:
    template <class V>
    std::unique_ptr<DeviceValues<V>> poisoned(std::int32_t width) const {
        return std::make_unique<DeviceValues<V>>(
            (static_cast<std::size_t>(case_.rows) + kRowsBeyond) * static_cast<std::size_t>(width));
    }
    template <class V>
    static void expect_repeated(std::vector<V>& first, const std::vector<V>& now) {
        if (first.empty()) first = now;
        EXPECT_TRUE(same_bits(first, now)) << "another call, other bits";
    }

    const AttentionCase<T>& case_;
    DeviceValues<std::int32_t> offsets_;
    DeviceValues<T> qkv_, dout_, out_;
    DeviceValues<float> lse_;
    PackedSequences sequences_;
    cuda::Scratch scratch_;
    std::vector<T> first_out_, first_dqkv_;
    std::vector<float> first_lse_;
};

template <class T>
void check(const HeadShape& shape, const Lengths& lengths, double scale = 1) {
    SCOPED_TRACE(testing::Message() << shape.heads << "/" << shape.kv_heads << " heads of "
                                    << shape.head_dim << ", first length " << lengths[0]);
    const AttentionCase<T> c(shape, lengths, static_cast<std::uint32_t>(lengths[0]), scale);
    Run<T> run(c);
    run.forward();
    run.backward();
}

template <class T>
class CudaAttention : public OnGpu {};
class CudaAttentionOfShortSequences : public OnGpu {};
using Types = testing::Types<Bf16, float>;
TYPED_TEST_SUITE(CudaAttention, Types);

TYPED_TEST(CudaAttention, EveryLengthAroundTheTiles) {
    for (const std::int32_t length : {1, 2, 15, 16, 17, 31, 33, 63, 64, 65})
        check<TypeParam>({1, 1, 64}, {length});
    for (const std::int32_t length : {127, 128, 129, 130}) check<TypeParam>({1, 1, 32}, {length});
}

TYPED_TEST(CudaAttention, EveryHeadDimension) {
    for (const std::int32_t head_dim : {8, 16, 24, 40, 72, 96, 128, 136, 256})
        check<TypeParam>({2, 1, head_dim}, {70, 3});
}

TYPED_TEST(CudaAttention, PackedSequencesSeeOnlyThemselves) {
    check<TypeParam>({2, 2, 64}, {1, 130, 2, 64, 17, 1, 65});
    check<TypeParam>({2, 1, 128}, {129, 1, 63});
}

TYPED_TEST(CudaAttention, GroupsOfHeadsShareKeys) {
    check<TypeParam>({6, 1, 24}, {33, 20});
    check<TypeParam>({12, 2, 32}, {66});
    check<TypeParam>({4, 2, 256}, {40});
}

// So many sequences that one block of keys takes more than one head of its group.
TEST_F(CudaAttentionOfShortSequences, EachKeySumsItsHeads) {
    Lengths lengths;
    for (std::int32_t i = 0; i < 32; ++i) lengths.push_back(1 + i % 3);
    check<Bf16>({32, 16, 8}, lengths);
}

// Scores of this size make one key win; a softmax without its largest score would overflow.
TYPED_TEST(CudaAttention, LargeScores) {
    check<TypeParam>({2, 1, 64}, {100}, 12);
}

TYPED_TEST(CudaAttention, SameBitsInAnyOrderOfThreads) {
    for (const HeadShape shape : {HeadShape{2, 1, 64}, HeadShape{2, 1, 256}}) {
        const AttentionCase<TypeParam> c(shape, {70, 2}, 7, 1);
        Run<TypeParam> run(c);
        for_each_order([&] {
            run.forward();
            run.backward();
        });
    }
}

TYPED_TEST(CudaAttention, NoRowsAreNoWork) {
    const DeviceValues<std::int32_t> offsets(std::vector<std::int32_t>{0});
    cuda::Scratch scratch;
    const PackedSequences none{offsets.data(), 0, 0, 0};
    TypeParam* nothing = nullptr;
    cuda::attention_forward(nothing, nullptr, nothing, none, {2, 1, 64}, nullptr);
    cuda::attention_backward(nothing, nullptr, nothing, nothing, nullptr, nothing, none, {2, 1, 64},
                             scratch, nullptr);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TYPED_TEST(CudaAttention, RefusesHeadsThatItCannotTake) {
    TypeParam* nothing = nullptr;
    for (const std::int32_t head_dim : {0, 20, 264}) {
        try {
            cuda::attention_forward(nothing, nullptr, nothing, {nullptr, 1, 1, 1}, {1, 1, head_dim},
                                    nullptr);
            ADD_FAILURE() << head_dim;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::kUsage);
            EXPECT_EQ(error.what(), "attention with heads of " + std::to_string(head_dim) +
                                        " values: the GPU takes multiples of 8 up to 256");
        }
    }
}

}  // namespace

}  // namespace r1::test
