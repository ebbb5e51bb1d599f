// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rollout_batch.h"

#include <gtest/gtest.h>

#include "common/error.h"

namespace r1 {
namespace {

Sample make_sample(std::uint32_t prompt, std::uint32_t number) {
    Sample sample;
    sample.prompt_index = prompt;
    sample.sample = number;
    sample.ended = number % 2 == 0;
    sample.verifier_error = number == 1;
    sample.accuracy = 0.1 + prompt;
    sample.format = 0.2;
    sample.reward = 0.3;
    sample.advantage = -1.0 / 3;
    sample.prompt = {1, 2, 260};
    sample.tokens = {7, 8, 9, 256};
    sample.logprobs = {-0.1f, -0.2f, -1e-30f, -20.0f};
    if (number == 0) sample.reference_logprobs = {-0.5f, -0.25f, -0.125f, -9.0f};
    return sample;
}

void expect_equal(const Sample& a, const Sample& b) {
    EXPECT_EQ(a.prompt_index, b.prompt_index);
    EXPECT_EQ(a.sample, b.sample);
    EXPECT_EQ(a.ended, b.ended);
    EXPECT_EQ(a.verifier_error, b.verifier_error);
    EXPECT_EQ(a.accuracy, b.accuracy);
    EXPECT_EQ(a.format, b.format);
    EXPECT_EQ(a.reward, b.reward);
    EXPECT_EQ(a.advantage, b.advantage);
    EXPECT_EQ(a.prompt, b.prompt);
    EXPECT_EQ(a.tokens, b.tokens);
    EXPECT_EQ(a.logprobs, b.logprobs);
    EXPECT_EQ(a.reference_logprobs, b.reference_logprobs);
}

TEST(RolloutBatch, UnpackGivesBackEveryFieldOfEverySample) {
    const std::vector<Sample> samples{make_sample(4, 0), make_sample(4, 1), make_sample(5, 2)};
    const std::vector<Sample> back = unpack_samples(pack_samples(samples));
    ASSERT_EQ(back.size(), samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) expect_equal(back[i], samples[i]);
}

TEST(RolloutBatch, NothingPacksToNothing) {
    EXPECT_TRUE(pack_samples({}).empty());
    EXPECT_TRUE(unpack_samples("").empty());
}

TEST(RolloutBatch, BytesCutAnywhereAreRefused) {
    const std::string one = pack_samples({make_sample(4, 0)});
    const std::string bytes = pack_samples({make_sample(4, 0), make_sample(4, 1)});
    for (std::size_t length = 1; length < bytes.size(); ++length) {
        if (length == one.size()) continue;  // a whole sample: complete as far as bytes can tell
        try {
            unpack_samples(std::string_view(bytes).substr(0, length));
            FAIL() << "taken at " << length << " bytes";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::kCheckpoint);
        }
    }
}

TEST(RolloutBatch, CountBeyondTheBytesIsRefusedWithoutAllocating) {
    // The prompt's count follows two 4-byte numbers, two flags and four doubles.
    std::string bytes = pack_samples({make_sample(4, 0)});
    constexpr std::size_t kCountAt = 2 * 4 + 2 * 1 + 4 * 8;
    ASSERT_EQ(bytes[kCountAt], 3);
    for (std::size_t i = 0; i < 8; ++i) bytes[kCountAt + i] = '\xff';
    EXPECT_THROW(unpack_samples(bytes), Error);
}

/// Two ranks in one process: the other's part is given.
class TwoRanks final : public Communicator {
  public:
    explicit TwoRanks(std::string other) : other_(std::move(other)) {}
    int rank() const override { return 0; }
    int size() const override { return 2; }
    const char* name() const override { return "two"; }
    void barrier() override {}
    void broadcast(void*, std::size_t, int) override {}
    void all_reduce(float*, std::size_t, ReduceOp) override {}
    void all_reduce(double*, std::size_t, ReduceOp) override {}
    void all_reduce(std::int64_t*, std::size_t, ReduceOp) override {}
    void reduce_scatter(std::span<float* const>, std::span<const SumTerm>,
                        std::span<const ValueRange>) override {}
    void all_gather_ranges(void*, std::size_t, std::span<const ValueRange>) override {}
    std::vector<std::string> all_gather(std::string_view bytes) override {
        return {std::string(bytes), other_};
    }
    std::unique_ptr<Communicator> split(int, int) override { return nullptr; }
    bool roll_called() override { return false; }
    void call_roll(std::string_view) override {}
    std::vector<std::optional<std::string>> roll_answers() override { return {}; }
    [[noreturn]] void abort(int) noexcept override { std::abort(); }

  private:
    std::string other_;
};

TEST(RolloutBatch, GatheredSamplesAreOrderedByPromptAndSample) {
    TwoRanks comm(pack_samples({make_sample(4, 3), make_sample(2, 1), make_sample(4, 0)}));
    const std::vector<Sample> all =
        gather_samples(comm, {make_sample(4, 2), make_sample(2, 0), make_sample(4, 1)});
    std::vector<std::pair<std::uint32_t, std::uint32_t>> order;
    for (const Sample& sample : all) order.emplace_back(sample.prompt_index, sample.sample);
    const std::vector<std::pair<std::uint32_t, std::uint32_t>> expected{{2, 0}, {2, 1}, {4, 0},
                                                                        {4, 1}, {4, 2}, {4, 3}};
    EXPECT_EQ(order, expected);
}

}  // namespace
}  // namespace r1
