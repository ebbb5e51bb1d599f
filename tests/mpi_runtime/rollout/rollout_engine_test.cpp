// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/rollout/rollout_engine.h"

#include <gtest/gtest.h>

#include <set>

#include "common/error.h"
#include "tests/mpi_runtime/model/small_model.h"

namespace r1 {
namespace {

constexpr std::int32_t kEnd = 10;

/// The engine on the fast backend: what a rank runs.
struct RolloutEngineTest : testing::Test {
    RolloutEngineTest() {
        const auto host = test::random_parameters<float>(model.layout());
        parameters.load(host.data(), host.size());
        options.max_new_tokens = 12;
        options.end_of_text = kEnd;
        options.key = make_key(3, Purpose::kSample);
        for (std::uint32_t i = 0; i < 5; ++i)
            requests.push_back({i, test::random_tokens(2 + i, i, 10), 0, 4});
    }
    std::vector<Completion> generate(const RolloutLimits& limits,
                                     const std::vector<RolloutRequest>& wanted) {
        RolloutEngine<float> engine(model, limits);
        return engine.generate(parameters.data(), wanted, options);
    }
    std::unique_ptr<Backend<float>> backend = make_cpu_backend(1);
    Transformer<float> model{test::small_shape(true, false), *backend};
    Array<float> parameters{*backend, model.layout().size()};
    RolloutOptions options;
    std::vector<RolloutRequest> requests;
    RolloutLimits wide{64, 4, std::int64_t{1} << 24};
};

void expect_equal(const std::vector<Completion>& a, const std::vector<Completion>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].tokens, b[i].tokens) << "output " << i;
        EXPECT_EQ(a[i].logprobs, b[i].logprobs) << "output " << i;
        EXPECT_EQ(a[i].ended, b[i].ended) << "output " << i;
    }
}

TEST_F(RolloutEngineTest, OutputsAreTheSameAtEveryBatchAndPageSize) {
    const std::vector<Completion> expected = generate(wide, requests);
    for (const std::int32_t batch : {1, 3, 7, 20})
        for (const std::int32_t page : {1, 3, 16})
            expect_equal(generate({batch, page, std::int64_t{1} << 24}, requests), expected);
}

TEST_F(RolloutEngineTest, OutputsAreTheSameHoweverTheRequestsAreSplit) {
    const std::vector<Completion> expected = generate(wide, requests);
    std::vector<Completion> parts;
    for (const RolloutRequest& request : requests) {
        RolloutRequest first = request;
        first.count = 1;
        RolloutRequest rest = request;
        rest.first_sample = 1;
        rest.count = 3;
        for (const RolloutRequest& part : {first, rest})
            for (Completion& output : generate(wide, {part})) parts.push_back(std::move(output));
    }
    expect_equal(parts, expected);
}

TEST_F(RolloutEngineTest, RecordedLogprobsAreTheTrainingPassesBits) {
    // Decode equals prefill, and rollout equals training: the ratio of the first update is 1.
    options.rule.temperature = 0.7;
    OutputHead<float> head(model, 5);
    Activations<float> activations;
    const std::vector<Completion> outputs = generate(wide, requests);
    PackedBatch batch;
    std::vector<double> recorded;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        batch.append(requests[i / 4].prompt, outputs[i].tokens);
        recorded.insert(recorded.end(), outputs[i].logprobs.begin(), outputs[i].logprobs.end());
    }
    DeviceBatch device;
    device.load(*backend, batch);
    model.forward(parameters.data(), device, activations);
    EXPECT_EQ(head.logprobs(parameters.data(), device, activations, 0.7), recorded);
}

TEST_F(RolloutEngineTest, SamplesOfOneGroupDiffer) {
    std::set<std::vector<std::int32_t>> distinct;
    for (const Completion& output : generate(wide, requests)) distinct.insert(output.tokens);
    EXPECT_GT(distinct.size(), 16u);
}

TEST_F(RolloutEngineTest, OutputEndsWithItsEndTokenOrAtTheLimit) {
    options.end_of_text = 4;  // one that this model likes to say
    int ended = 0;
    for (const Completion& output : generate(wide, requests)) {
        const auto length = static_cast<std::int32_t>(output.tokens.size());
        EXPECT_EQ(output.ended, output.tokens.back() == options.end_of_text);
        EXPECT_TRUE(output.ended || length == options.max_new_tokens);
        for (std::size_t i = 0; i + 1 < output.tokens.size(); ++i)
            EXPECT_NE(output.tokens[i], options.end_of_text);
        ended += output.ended ? 1 : 0;
    }
    EXPECT_GT(ended, 0);
    EXPECT_LT(ended, 20);
}

TEST_F(RolloutEngineTest, TemperatureZeroTakesTheLikeliestToken) {
    options.rule.temperature = 0;
    const std::vector<Completion> outputs = generate(wide, requests);
    for (std::size_t i = 0; i < outputs.size(); ++i)
        EXPECT_EQ(outputs[i].tokens, outputs[i / 4 * 4].tokens);
}

TEST_F(RolloutEngineTest, SmallCacheLowersTheBatchAndGivesTheSameOutputs) {
    const std::vector<Completion> expected = generate(wide, requests);
    const std::int64_t page = KeyValueCache<float>::page_bytes(model.shape(), 4);
    expect_equal(generate({64, 4, 13 * page}, requests), expected);
}

TEST_F(RolloutEngineTest, CacheTooSmallForOneSequenceNamesTheKey) {
    try {
        generate({64, 4, 100}, requests);
        FAIL() << "expected an Error";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("rollout.kv_cache"), std::string::npos);
    }
}

TEST_F(RolloutEngineTest, SequenceBeyondTheModelsPositionsIsRefused) {
    options.max_new_tokens = 40;
    EXPECT_THROW(generate(wide, requests), Error);
}

TEST_F(RolloutEngineTest, NothingRequestedGivesNothing) {
    EXPECT_TRUE(generate(wide, {}).empty());
}

}  // namespace
}  // namespace r1
