// SPDX-License-Identifier: Apache-2.0
// Sampling on the GPU: many steps between two looks of the host, from recorded graphs.
#include "tests/mpi_runtime/cuda/cuda_model.h"

namespace r1::test {
namespace {

template <class T>
class CudaRollout : public OnGpu {
  protected:
    std::vector<RolloutRequest> requests() const {
        std::vector<RolloutRequest> all;
        for (std::uint32_t i = 0; i < 2; ++i)
            all.push_back({i, random_tokens(2 + 15 * i, i, shape.vocabulary), 0, 2});
        return all;
    }
    RolloutOptions options() const {
        RolloutOptions options;
        options.rule = {0.9, 0.95, 20};
        options.max_new_tokens = 19;  // more than one look of the host
        options.end_of_text = 5;
        options.key = make_key(3, Purpose::kSample);
        return options;
    }
    ModelShape shape = cuda_shape(true);
};
using Types = testing::Types<Bf16, float>;
TYPED_TEST_SUITE(CudaRollout, Types);

TYPED_TEST(CudaRollout, SecondRunHasTheSameTokensAndBits) {
    ActorOn gpu(this->shape, make_cuda_backend<TypeParam>(0));
    RolloutOptions options = this->options();
    options.max_new_tokens = 4;
    const auto first = gpu.actor->generate(this->requests(), options);
    for_each_order([&] {
        const auto again = gpu.actor->generate(this->requests(), options);
        ASSERT_EQ(again.size(), first.size());
        for (std::size_t i = 0; i < first.size(); ++i) {
            EXPECT_EQ(again[i].tokens, first[i].tokens);
            EXPECT_EQ(again[i].logprobs, first[i].logprobs);
        }
    });
}

TYPED_TEST(CudaRollout, OutputsEndWhereTheyShould) {
    ActorOn gpu(this->shape, make_cuda_backend<TypeParam>(0));
    bool some_ended = false, some_cut = false;
    for (const Completion& output : gpu.actor->generate(this->requests(), this->options())) {
        ASSERT_FALSE(output.tokens.empty());
        EXPECT_EQ(output.logprobs.size(), output.tokens.size());
        const auto end = std::find(output.tokens.begin(), output.tokens.end(), 5);
        EXPECT_EQ(output.ended, end != output.tokens.end());
        if (output.ended) {
            EXPECT_EQ(end + 1, output.tokens.end());
        } else {
            EXPECT_EQ(output.tokens.size(), 19u);
        }
        some_ended = some_ended || output.ended;
        some_cut = some_cut || !output.ended;
    }
    EXPECT_TRUE(some_ended);
    EXPECT_TRUE(some_cut);
}

/// Rollout and training go through other matrix products and other attention. What they disagree
/// about is rounding: no more than what the plain loops of the type are off from double.
TYPED_TEST(CudaRollout, LogprobsOfRolloutAndTrainingAgree) {
    ActorOn gpu(this->shape, make_cuda_backend<TypeParam>(0));
    ActorOn plain(this->shape, make_reference_backend<TypeParam>());
    ActorOn exact(this->shape, make_reference_backend<float>());
    RolloutOptions options = this->options();
    const auto requests = this->requests();
    const auto outputs = gpu.actor->generate(requests, options);
    PackedBatch batch;
    std::vector<double> sampled;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        batch.append(requests[i / 2].prompt, outputs[i].tokens);
        sampled.insert(sampled.end(), outputs[i].logprobs.begin(), outputs[i].logprobs.end());
    }
    const std::span<const PackedBatch> one(&batch, 1);
    const auto trained = gpu.actor->reference_logprobs(one, 0.9);
    const auto rounded = plain.actor->reference_logprobs(one, 0.9);
    const auto right = exact.actor->reference_logprobs(one, 0.9);
    ASSERT_EQ(trained.size(), sampled.size());
    double most = 0, allowed = 0x1p-20;
    for (std::size_t i = 0; i < sampled.size(); ++i) {
        most = std::max(most, std::abs(sampled[i] - trained[i]));
        allowed = std::max(allowed, 2 * std::abs(rounded[i] - right[i]));
    }
    EXPECT_LE(most, allowed + 0x1p-18);
    testing::Test::RecordProperty("largest_difference", std::to_string(most));
}

/// In fp32 the GPU draws what the CPU draws.
using CudaFloatRollout = CudaRollout<float>;
TEST_F(CudaFloatRollout, TokensAreThoseOfTheCpu) {
    ActorOn gpu(shape, make_cuda_backend<float>(0));
    ActorOn cpu(shape, make_cpu_backend(1));
    const auto got = gpu.actor->generate(requests(), options());
    const auto want = cpu.actor->generate(requests(), options());
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].tokens, want[i].tokens) << i;
}

}  // namespace
}  // namespace r1::test
