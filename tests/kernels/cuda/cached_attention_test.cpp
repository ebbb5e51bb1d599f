// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "common/error.h"
#include "kernels/cuda/ops.h"
#include "tests/kernels/cuda/cached_case.h"
#include "tests/kernels/cuda/gpu_test.h"

namespace r1::test {

namespace {

template <class V>
bool same_bits(const std::vector<V>& a, const std::vector<V>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(V)) == 0;
}

/// The inputs of a case on the GPU.
template <class T>
class OnDevice {
  public:
    explicit OnDevice(const CachedCase<T>& c)
        : case_(c),
          qkv_(c.qkv),
          keys_(c.keys),
          values_(c.values),
          tables_(c.tables),
          positions_(c.positions) {}

    std::vector<T> attend(cuda::Scratch& scratch) const {
        const DeviceValues<T> out(case_.wanted.size());
        start_attention(out.data(), scratch, nullptr);
        cuda::check_cuda(cudaDeviceSynchronize(), "attention_cached");
        return out.to_host();
    }
    void start_attention(T* out, cuda::Scratch& scratch, cudaStream_t stream) const {
        cuda::attention_cached(out, qkv_.data(), cache(), rows(), case_.shape, scratch, stream);
    }
    void store() {
        cuda::cache_store(cache(), qkv_.data(), rows(), case_.shape, nullptr);
        cuda::check_cuda(cudaDeviceSynchronize(), "cache_store");
    }
    std::vector<T> keys() const { return keys_.to_host(); }
    std::vector<T> values() const { return values_.to_host(); }
    void move_to(const std::vector<std::int32_t>& positions) { positions_.load(positions); }

  private:
    PagedCache<T> cache() const { return {keys_.data(), values_.data(), case_.page_tokens}; }
    CachedRows rows() const {
        return {tables_.data(), positions_.data(), case_.table_stride,
                static_cast<std::int32_t>(case_.positions.size())};
    }

    const CachedCase<T>& case_;
    DeviceValues<T> qkv_, keys_, values_;
    DeviceValues<std::int32_t> tables_, positions_;
};

template <class T>
void expect_within(const std::vector<T>& got, const CachedCase<T>& c) {
    const auto width = static_cast<std::size_t>(c.shape.query_width());
    for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_LE(std::abs(static_cast<double>(got[i]) - c.wanted[i]), c.bound[i])
            << "row " << i / width << ", column " << i % width << ": "
            << static_cast<double>(got[i]) << ", not " << c.wanted[i];
    }
}

template <class T>
void expect_right_in_any_order(const CachedCase<T>& c) {
    const OnDevice<T> device(c);
    cuda::Scratch scratch;
    std::vector<T> first;
    for_each_order([&] {
        const std::vector<T> got = device.attend(scratch);
        expect_within(got, c);
        if (first.empty()) first = got;
        EXPECT_TRUE(same_bits(got, first));
    });
}

struct Layout {
    HeadShape shape;
    std::int32_t page_tokens;
    std::vector<std::int32_t> positions;
    std::int32_t table_stride = 0;
};

void expect_right(const Layout& layout) {
    for (const double scale : {1.0, 4.0}) {
        expect_right_in_any_order(CachedCase<Bf16>(layout.shape, layout.page_tokens,
                                                   layout.positions, fresh_seed(), scale));
        expect_right_in_any_order(CachedCase<float>(layout.shape, layout.page_tokens,
                                                    layout.positions, fresh_seed(), scale));
    }
}

using CachedAttention = OnGpu;

TEST_F(CachedAttention, TokensAroundTheEdgesOfTilesPagesAndRuns) {
    expect_right({{12, 2, 128}, 16, {0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 127, 128, 129, 300}});
}

TEST_F(CachedAttention, SmallHeadsOfOneQueryEach) {
    expect_right({{2, 2, 8}, 7, {0, 40, 130}});
    expect_right({{3, 3, 24}, 1, {5, 19}});
}

TEST_F(CachedAttention, HeadsThatFillNoTile) {
    expect_right({{7, 1, 72}, 5, {64, 150}});
    expect_right({{10, 2, 64}, 64, {2, 131}});
    expect_right({{3, 1, 200}, 32, {33, 140}});
}

TEST_F(CachedAttention, MoreQueryHeadsThanABlockTakes) {
    expect_right({{12, 1, 64}, 16, {0, 133}});
    expect_right({{40, 2, 16}, 16, {70}});
    expect_right({{9, 1, 256}, 16, {20, 129}});
}

TEST_F(CachedAttention, LongRows) {
    expect_right({{2, 1, 16}, 48, {4096, 4700}});
}

TEST_F(CachedAttention, RowsOfOneSequence) {
    CachedCase<Bf16> c({4, 2, 32}, 8, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, fresh_seed(), 1);
    c.let_rows_share_the_last_sequence();
    expect_right_in_any_order(c);
}

TEST_F(CachedAttention, IdleRowsGiveZerosAndStoreNothing) {
    const std::vector<std::int32_t> positions{-1, 20, 24, 1000000};
    const CachedCase<Bf16> c({4, 2, 32}, 8, positions, fresh_seed(), 1, 3);
    expect_right_in_any_order(c);
}

TEST_F(CachedAttention, ARowsBitsDoNotDependOnTheOthers) {
    const HeadShape shape{2, 1, 8};
    const std::uint32_t seed = fresh_seed();
    std::vector<Bf16> alone;
    // One block for each run; two that share them; one for all.
    for (const std::size_t rows : {1, 1000, 1100}) {
        std::vector<std::int32_t> positions(rows, 0);
        positions[0] = 700;
        const CachedCase<Bf16> c(shape, 16, positions, seed, 1);
        cuda::Scratch scratch;
        std::vector<Bf16> got = OnDevice<Bf16>(c).attend(scratch);
        expect_within(got, c);
        got.resize(static_cast<std::size_t>(shape.query_width()));
        if (alone.empty()) alone = got;
        EXPECT_TRUE(same_bits(got, alone)) << rows << " rows";
    }
}

TEST_F(CachedAttention, ARecordStaysGoodWhilePositionsGrow) {
    const std::vector<std::int32_t> later{400, 130};
    const CachedCase<Bf16> c({4, 2, 32}, 16, later, fresh_seed(), 1);
    OnDevice<Bf16> device(c);
    const DeviceValues<Bf16> out(c.wanted.size());
    cuda::Scratch scratch;
    device.move_to({3, 127});
    device.start_attention(out.data(), scratch, nullptr);  // makes the scratch
    cuda::check_cuda(cudaDeviceSynchronize(), "attention_cached");
    cudaStream_t stream = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t record = nullptr;
    cuda::check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
    cuda::check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin");
    device.start_attention(out.data(), scratch, stream);
    cuda::check_cuda(cudaStreamEndCapture(stream, &graph), "end");
    cuda::check_cuda(cudaGraphInstantiate(&record, graph, 0), "instantiate");
    device.move_to(later);
    cuda::check_cuda(cudaGraphLaunch(record, stream), "launch");
    cuda::check_cuda(cudaStreamSynchronize(stream), "synchronize");
    EXPECT_TRUE(same_bits(out.to_host(), device.attend(scratch)));
    expect_within(out.to_host(), c);
    cudaGraphExecDestroy(record);
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
}

TEST_F(CachedAttention, AHeadThatTheLoadsDoNotFitIsRefused) {
    const CachedCase<Bf16> c({1, 1, 12}, 16, {0}, fresh_seed(), 1);
    cuda::Scratch scratch;
    try {
        OnDevice<Bf16>(c).attend(scratch);
        FAIL() << "expected Error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(),
                     "attention on GPUs needs a head_dim that is a multiple of 8 and at most 256, "
                     "not 12");
    }
}

template <class T>
void expect_stored(const Layout& layout) {
    const CachedCase<T> c(layout.shape, layout.page_tokens, layout.positions, fresh_seed(), 1,
                          layout.table_stride);
    OnDevice<T> device(c);
    for_each_order([&] {
        device.store();
        EXPECT_TRUE(same_bits(device.keys(), c.stored(c.keys, 0)));
        EXPECT_TRUE(same_bits(device.values(), c.stored(c.values, c.shape.kv_width())));
    });
}

TEST_F(CachedAttention, StoreWritesTheRowsTokensAndNothingElse) {
    for (const Layout& layout : {Layout{{12, 2, 128}, 16, {0, 15, 16, 200}},
                                 Layout{{3, 3, 24}, 7, {-1, 6, 7, 13, 20, 21, 1000}, 3},
                                 Layout{{2, 1, 5}, 3, {4, 0, 9}}}) {
        expect_stored<Bf16>(layout);
        expect_stored<float>(layout);
    }
}

}  // namespace

}  // namespace r1::test
