// SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "common/error.h"
#include "kernels/cuda/scratch.h"
#include "kernels/cuda/stream.h"
#include "tests/common/library_error.h"
#include "tests/kernels/cuda/backend_fixture.h"

namespace r1::test {
namespace {

class GpuDevice : public BackendTest<float> {
  protected:
    static std::vector<float> count_up(std::size_t count) {
        std::vector<float> values(count);
        std::iota(values.begin(), values.end(), 1.0F);
        return values;
    }
};

TEST_F(GpuDevice, SaysWhatItIs) {
    EXPECT_EQ(std::string(gpu().name()).rfind("cuda ", 0), 0U) << gpu().name();
    EXPECT_FALSE(gpu().shares_host_memory());
    EXPECT_NE(cuda_stream_of(gpu()), nullptr);
    EXPECT_EQ(cuda_stream_of(reference()), nullptr);
}

TEST_F(GpuDevice, MemoryIsZeroedAndAligned) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{1000}, std::size_t{300001}}) {
        const Array<float> values(gpu(), count);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(values.data()) % 64, 0U);
        EXPECT_EQ(host(values), std::vector<float>(count));
    }
}

/// Less than, as much as, and more than all of the staging memory.
TEST_F(GpuDevice, CopiesOfAnySizeArriveInOrder) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 18,
                                    (std::size_t{9} << 18) + 3, (std::size_t{17} << 18) + 1}) {
        std::vector<float> values = count_up(count);
        const std::vector<float> want = values;
        Array<float> first(gpu(), count), second(gpu(), count);
        if (count > 0) first.load(values.data(), count);
        std::fill(values.begin(), values.end(), 0.0F);  // the caller's again
        gpu().copy(second.data(), first.data(), count * sizeof(float));
        gpu().zero(first.data(), count * sizeof(float));
        EXPECT_EQ(host(second), want);
        EXPECT_EQ(host(first), std::vector<float>(count));
    }
}

TEST_F(GpuDevice, SmallCopiesDoNotOvertakeEachOther) {
    Array<float> values(gpu(), 64);
    for (int i = 0; i < 64; ++i) {
        const auto value = static_cast<float>(i);
        gpu().to_device(values.data() + i, &value, sizeof value);
    }
    std::vector<float> want(64);
    std::iota(want.begin(), want.end(), 0.0F);
    EXPECT_EQ(host(values), want);
}

TEST_F(GpuDevice, MemoryThatIsNotThereIsNamed) {
    const std::string error = library_error_of([&] { gpu().allocate(std::size_t{1} << 50); });
    EXPECT_NE(error.find("cannot allocate 1125899906842624 bytes (1048576.00 GiB) on cuda "),
              std::string::npos)
        << error;
    EXPECT_NE(error.find(" are free"), std::string::npos) << error;
    EXPECT_EQ(host(Array<float>(gpu(), 3)), std::vector<float>(3));  // the device goes on
}

TEST_F(GpuDevice, ReplaysWorkOnWhatTheMemoryHoldsNow) {
    Array<float> sum(gpu(), 5), added(gpu(), 5);
    added.load(count_up(5).data(), 5);
    int calls = 0;
    const auto step = [&] {
        gpu().replay(7, [&] {
            ++calls;
            gpu().accumulate(sum.data(), added.data(), 5);
        });
    };
    step();
    const int first_calls = calls;
    EXPECT_EQ(host(sum), count_up(5));
    step();
    added.load(std::vector<float>(5, 10.0F).data(), 5);
    step();
    EXPECT_EQ(calls, first_calls);
    EXPECT_EQ(host(sum), (std::vector<float>{12, 14, 16, 18, 20}));
    // Another key is other work.
    gpu().replay(8, [&] { gpu().scale(sum.data(), 2, 5); });
    EXPECT_EQ(host(sum)[0], 24);
    gpu().forget_replays();
    step();
    EXPECT_GT(calls, first_calls);
    EXPECT_EQ(host(sum)[0], 34);
}

/// Kernels with partial results, and matrix products with theirs, also when the memory for partial
/// results has grown since.
TEST_F(GpuDevice, ReplaysKeepTheirPartialResults) {
    const std::int32_t m = 40, n = 16, k = 24;
    const auto dy = upload_as<float>(random<float>(m * n)),
               x = upload_as<float>(random<float>(m * k));
    Array<float> dw(gpu(), n * k), dbias(gpu(), n);
    const auto step = [&] {
        dw.zero();
        dbias.zero();
        gpu().replay(1, [&] {
            gpu().linear_backward_weight(dw.data(), dbias.data(), dy.data(), x.data(), m, n, k);
        });
        auto bits = host(dw);
        const auto more = host(dbias);
        bits.insert(bits.end(), more.begin(), more.end());
        return bits;
    };
    const std::vector<float> first = step();
    // What makes the memory for partial results grow.
    const auto values = upload(std::vector<float>(20, 1.0F));
    std::vector<std::size_t> bounds(21);
    std::iota(bounds.begin(), bounds.end(), std::size_t{0});
    std::vector<double> squares(20);
    gpu().sum_squares(squares.data(), values.data(), bounds);
    EXPECT_EQ(squares, std::vector<double>(20, 1.0));
    EXPECT_TRUE(same_bits(first, step()));
}

TEST_F(GpuDevice, WorkThatCannotBeRecordedIsAnError) {
    Array<float> values(gpu(), 4);
    const auto refused = [&](const std::function<void()>& work) {
        return library_error_of([&] { gpu().replay(1, work); });
    };
    int calls = 0;
    // Done at first; recorded the second time.
    const auto when_recorded = [&](const std::function<void()>& work) {
        calls = 0;
        return refused([&] {
            if (++calls == 2) work();
        });
    };
    float value = 1;
    EXPECT_NE(when_recorded([&] { gpu().allocate(4); }).find("allocate"), std::string::npos);
    EXPECT_NE(when_recorded([&] { gpu().finish(); }).find("finish"), std::string::npos);
    EXPECT_NE(when_recorded([&] { gpu().to_host(&value, values.data(), 4); }).find("to_host"),
              std::string::npos);
    EXPECT_NE(when_recorded([&] { gpu().to_device(values.data(), &value, 4); }).find("to_device"),
              std::string::npos);
    EXPECT_NE(when_recorded([&] { gpu().replay(2, [] {}); }).find("replay"), std::string::npos);
    // What the work throws comes out, and the device goes on.
    EXPECT_THROW(gpu().replay(1, [] { throw std::out_of_range("x"); }), std::out_of_range);
    gpu().replay(1, [&] { gpu().scale(values.data(), 2, 4); });
    EXPECT_EQ(host(values), std::vector<float>(4));
}

TEST_F(GpuDevice, FillsBatchesUpToFewSizes) {
    const Numbers sizes{0,  1,  2,  4,   8,   16,  24,  32,  40,  48,
                        64, 80, 96, 128, 192, 256, 320, 384, 448, 512};
    for (std::int32_t rows = 0; rows <= 512; ++rows)
        EXPECT_EQ(gpu().replay_rows(rows), *std::lower_bound(sizes.begin(), sizes.end(), rows));
}

TEST_F(GpuDevice, AdvanceEndsAStepAsTheHostDoes) {
    const std::int32_t m = 300;
    std::vector<PhiloxCounter> counters(m);
    for (auto& counter : counters) counter = {draw(), draw(), draw(), draw()};
    counters[5][0] = UINT32_MAX;
    Numbers tokens = random_ids(m, 100), positions = random_ids(m, 100), turn{1};
    Numbers drawn = random_ids(m, 100), log(3 * m, -7);
    drawn[3] = -1;
    std::vector<float> logprob(m, -0.5F), log_logprob(3 * m, 9.0F);
    auto d_tokens = upload(tokens), d_positions = upload(positions), d_turn = upload(turn);
    auto d_counters = upload(counters);
    auto d_log = upload(log);
    auto d_log_logprob = upload(log_logprob);
    const auto d_drawn = upload(drawn);
    const auto d_logprob = upload(logprob);
    const auto host_backend = make_reference_backend<float>();
    for (int step = 0; step < 2; ++step) {
        gpu().advance({d_tokens.data(), d_positions.data(), d_counters.data(), d_turn.data()},
                      d_log.data(), d_log_logprob.data(), d_drawn.data(), d_logprob.data(), m);
        host_backend->advance({tokens.data(), positions.data(), counters.data(), turn.data()},
                              log.data(), log_logprob.data(), drawn.data(), logprob.data(), m);
    }
    EXPECT_EQ(host(d_tokens), tokens);
    EXPECT_EQ(host(d_positions), positions);
    EXPECT_EQ(host(d_counters), counters);
    EXPECT_EQ(host(d_turn), turn);
    EXPECT_EQ(host(d_log), log);
    EXPECT_EQ(host(d_log_logprob), log_logprob);
}

/// Counts what is asked of it; throws when it is to.
struct CountingWatch final : DeviceWatch {
    void begin() noexcept override {}
    void end() noexcept override {}
    void look(double) override {
        ++looks;
        if (throws) throw Error(ExitCode::kLibrary, "rank 1 did not come");
    }
    void answer(double) override {}
    bool idle() override { return idle_after-- <= 0; }
    bool asks() const override { return false; }
    void give_up() noexcept override { given_up = true; }
    void end_giving_up() noexcept override {
        if (at_end) at_end();
    }
    int looks = 0;
    int idle_after = 0;
    bool throws = false;
    bool given_up = false;
    std::function<void()> at_end;
};

TEST_F(GpuDevice, WatchesLookOnWhereverTheHostWaits) {
    EXPECT_EQ(cuda_watches_of(reference()), nullptr);
    CountingWatch watch;
    const auto looks_in = [&](const std::function<void()>& work) {
        const int before = watch.looks;
        work();
        return watch.looks - before;
    };
    const float value = 1;
    float read = 0;
    Array<float> values(gpu(), 4);
    void* memory = nullptr;
    const DeviceWatches::Place place(*cuda_watches_of(gpu()), watch);
    EXPECT_GT(looks_in([&] { gpu().finish(); }), 0);
    EXPECT_GT(looks_in([&] { gpu().to_host(&read, values.data(), sizeof read); }), 0);
    EXPECT_GT(looks_in([&] { gpu().to_device(values.data(), &value, sizeof value); }), 0);
    EXPECT_GT(looks_in([&] { memory = gpu().allocate(4); }), 0);
    EXPECT_GT(looks_in([&] { gpu().release(memory); }), 0);
    EXPECT_EQ(looks_in([&] { gpu().copy(values.data() + 1, values.data(), sizeof value); }), 0);
    // While the device records nothing waits, nor can memory be freed.
    int calls = 0;
    memory = gpu().allocate(4);
    const auto release_when_recorded = [&] {
        if (++calls == 2) gpu().release(memory);
    };
    EXPECT_EQ(looks_in([&] { library_error_of([&] { gpu().replay(1, release_when_recorded); }); }),
              0);
    EXPECT_EQ(calls, 2);
    gpu().release(memory);
}

TEST_F(GpuDevice, MemoryComesAndGoesWhenTheWatchesAreIdle) {
    CountingWatch watch;
    const DeviceWatches::Place place(*cuda_watches_of(gpu()), watch);
    watch.idle_after = 3;
    void* const memory = gpu().allocate(4);
    EXPECT_LE(watch.idle_after, 0);
    watch.idle_after = 3;
    gpu().release(memory);
    EXPECT_LE(watch.idle_after, 0);
    // Partial results need memory too.
    const auto values = upload(std::vector<float>(20, 1.0F));
    const std::vector<std::size_t> bounds{0, 20};
    double squares = 0;
    watch.idle_after = 3;
    gpu().sum_squares(&squares, values.data(), bounds);
    EXPECT_LE(watch.idle_after, 0);
}

TEST_F(GpuDevice, PartialResultsSayWhenTheyNeedMemory) {
    int growths = 0;
    cuda::Scratch scratch([&] { ++growths; });
    scratch.reserve(100);
    scratch.reserve(50);
    EXPECT_EQ(growths, 1);
    scratch.reserve(101);
    EXPECT_EQ(growths, 2);
    scratch.counters();
    scratch.counters();
    EXPECT_EQ(growths, 3);
}

TEST_F(GpuDevice, WhatAWatchThrowsComesOutAndTheRecordsAreForgotten) {
    Array<float> values(gpu(), 4);
    int calls = 0;
    const auto step = [&] {
        gpu().replay(1, [&] {
            ++calls;
            gpu().scale(values.data(), 2, 4);
        });
    };
    step();
    step();
    EXPECT_EQ(calls, 2);
    void* const memory = gpu().allocate(4);
    {
        CountingWatch watch;
        const DeviceWatches::Place place(*cuda_watches_of(gpu()), watch);
        // Before the watches' work is taken down, which the records hold.
        watch.at_end = step;
        watch.throws = true;
        gpu().release(memory);
        EXPECT_TRUE(watch.given_up);
        EXPECT_EQ(calls, 4);
        watch.throws = false;
        EXPECT_EQ(library_error_of([&] { gpu().finish(); }), "rank 1 did not come");
    }
    gpu().finish();
}

}  // namespace
}  // namespace r1::test
