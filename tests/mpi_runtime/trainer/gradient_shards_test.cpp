// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun. What a run leaves behind, weights, moments and metrics, is compared bit for
// bit: with that of one rank in strict mode, and with itself otherwise.
#include "mpi_runtime/trainer/gradient_shards.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "common/error.h"
#include "mpi_runtime/trainer/sum_tree.h"
#include "tests/mpi_runtime/model/small_model.h"
#include "tests/mpi_runtime/ranks_main.h"
#include "tests/mpi_runtime/tensor_groups.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::world;

/// The whole moments, of all ranks.
std::vector<float> whole(Policy<float>& policy, const float* own) {
    std::vector<float> values(policy.size());
    policy.model().backend().to_host(values.data() + policy.own().first, own,
                                     policy.own().size() * sizeof(float));
    if (policy.shards().ranges().size() > 1)
        world->all_gather(values.data(), policy.shards().ranges());
    return values;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// What `steps` steps of a stage leave behind.
struct Trace {
    Trace(Stage& stage, std::int64_t steps) {
        for (std::int64_t step = 0; step < steps; ++step)
            metrics.push_back(test::without_times(stage.step(step)));
        weights = test::weights_of(stage);
        first_moment = test::whole_of(*stage.actor(), Kept::kFirstMoment);
        second_moment = test::whole_of(*stage.actor(), Kept::kSecondMoment);
    }
    std::vector<Metrics> metrics;
    std::vector<float> weights, first_moment, second_moment;
};

void expect_equal(const Trace& actual, const Trace& expected, const std::string& what) {
    EXPECT_EQ(actual.metrics, expected.metrics) << what;
    EXPECT_TRUE(same_bits(actual.weights, expected.weights)) << what;
    EXPECT_TRUE(same_bits(actual.first_moment, expected.first_moment)) << what;
    EXPECT_TRUE(same_bits(actual.second_moment, expected.second_moment)) << what;
}

Trace sft(const std::vector<std::string>& overrides, Communicator* comm) {
    test::TinyRun run(overrides, comm);
    return Trace(*make_stage(run.session, 0), 5);
}

/// Over two rollouts, of two epochs each.
Trace grpo(std::vector<std::string> overrides, Communicator* comm) {
    overrides.insert(overrides.end(),
                     {"stages.rl.rollout_size=32", "stages.rl.inner_epochs=2",
                      "stages.rl.kl_coefficient=0.05", "stages.rl.sampling.max_new_tokens=14"});
    test::TinyRun run(overrides, comm);
    run.take_start(test::started_run());
    return Trace(*make_stage(run.session, 1), 6);
}

std::vector<std::string> strict(int shards) {
    return {"deterministic=strict", "training.gradient_shards=" + std::to_string(shards),
            "training.micro_batch_tokens=40"};
}

TEST(GradientShards, StrictSftHasTheBitsOfOneRank) {
    for (const int shards : {4, 8, 11}) {
        const Trace alone = sft(strict(shards), nullptr);
        expect_equal(sft(strict(shards), world), alone, std::to_string(shards) + " shards");
        EXPECT_GT(test::metric(alone.metrics.back(), "actor/grad_norm"), 0);
    }
}

TEST(GradientShards, StrictGrpoHasTheBitsOfOneRank) {
    for (const int shards : {5, 8}) {
        const Trace alone = grpo(strict(shards), nullptr);
        expect_equal(grpo(strict(shards), world), alone, std::to_string(shards) + " shards");
        EXPECT_GT(test::metric(alone.metrics.back(), "actor/grad_norm"), 0);
        EXPECT_GT(test::metric(alone.metrics.back(), "actor/kl_loss"), 0);
    }
}

/// A shard without a sequence, and one of many, are parts of the sum as any other.
TEST(GradientShards, MoreShardsThanSequencesHaveTheBitsOfOneRank) {
    expect_equal(sft(strict(64), world), sft(strict(64), nullptr), "64 shards");
}

TEST(GradientShards, NumberOfShardsIsSeenInTheBits) {
    EXPECT_FALSE(same_bits(sft(strict(4), nullptr).weights, sft(strict(8), nullptr).weights));
}

TEST(GradientShards, SameRanksHaveTheSameBitsTwice) {
    expect_equal(sft({}, world), sft({}, world), "sft");
    expect_equal(grpo({}, world), grpo({}, world), "grpo");
}

TEST(GradientShards, SameRanksAreStrictWithAShardEach) {
    const std::vector<std::string> overrides{
        "deterministic=strict", "training.gradient_shards=" + std::to_string(world->size())};
    expect_equal(sft({}, world), sft(overrides, nullptr), "sft");
}

/// One step of each rank's gradient is one micro-batch here, so that every ZeRO stage makes the
/// same sums.
TEST(GradientShards, EveryZeroStageHasTheSameBits) {
    for (const char* precision : {"fp32", "bf16"}) {
        const std::string kind = "training.precision=" + std::string(precision);
        const Trace one =
            grpo({kind, "parallel.zero=1", "training.micro_batch_tokens=4096"}, world);
        for (const char* stage : {"2", "3"}) {
            const std::string zero = "parallel.zero=" + std::string(stage);
            expect_equal(grpo({kind, zero, "training.micro_batch_tokens=4096"}, world), one,
                         kind + " " + zero);
        }
    }
}

/// Ranks have unequal numbers of micro-batches, and those with fewer take part in the sums.
TEST(GradientShards, MicroBatchesOfZeroStagesTwoAndThreeAddUp) {
    const std::string small = "training.micro_batch_tokens=25";
    const Trace one = sft({small, "parallel.zero=1"}, world);
    for (const char* zero : {"parallel.zero=2", "parallel.zero=3"}) {
        const Trace other = sft({small, zero}, world);
        for (std::size_t i = 0; i < one.weights.size(); ++i)
            // Five AdamW steps of the recipe's learning rate move a weight by 5e-3 at most; sums in
            // another order turn a step by a few 1e-7 of it.
            ASSERT_NEAR(one.weights[i], other.weights[i], 2e-6) << zero << ", value " << i;
        expect_equal(sft({small, zero}, world), other, "again");
    }
}

TEST(GradientShards, ActivationsThatAreComputedAgainHaveTheSameBits) {
    for (const char* precision : {"fp32", "bf16"}) {
        const std::string kind = "training.precision=" + std::string(precision);
        expect_equal(sft({kind, "training.recompute=true"}, world), sft({kind}, world), kind);
    }
}

TEST(GradientShards, StrictModeRefusesZeroStagesThatSumBySection) {
    for (const char* zero : {"parallel.zero=2", "parallel.zero=3"}) {
        std::vector<std::string> overrides = strict(4);
        overrides.emplace_back(zero);
        try {
            sft(overrides, world);
            FAIL() << zero;
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("parallel.zero: 1"), std::string::npos);
        }
    }
}

/// Metrics that are sums, added in the tree of the shards.
TEST(GradientShards, EverySequenceIsWorkedOnOnceAndSumsAddUp) {
    test::TinyRun run(strict(8), world);
    const auto backend = make_cpu_backend(1);
    const auto group = test::group_of(*world, *backend);
    const auto actor =
        make_actor(test::small_shape(true, false), *backend, {*world, *world, *group},
                   {.rollout = run.session.rollout_limits()});
    GradientShards shards(run.session.recipe, *world, *actor);
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < 30; ++i) rows.push_back(5 + 7 * i % 31);
    struct Sums {
        double sequences = 0, numbers = 0;
        Sums& operator+=(const Sums& other) {
            sequences += other.sequences;
            numbers += other.numbers;
            return *this;
        }
    };
    const ValueRange own = actor->own();
    for (int repeat = 0; repeat < 2; ++repeat) {
        const Sums sums =
            shards.accumulate<Sums>(rows, [&](const std::vector<std::size_t>& sequences,
                                              const Gradients<float>& gradients, Sums& sum) {
                float* const values = gradients.section(actor->layout(), 0).at(0);
                for (const std::size_t i : sequences) {
                    sum.sequences += 1;
                    sum.numbers += static_cast<double>(i);
                    for (std::size_t v = 0; v < actor->layout().size(); ++v)
                        values[v] += static_cast<float>(i);
                }
            });
        EXPECT_EQ(sums.sequences, 30);
        EXPECT_EQ(sums.numbers, 435);
        for (std::size_t v = own.first; v < own.last; ++v) ASSERT_EQ(actor->gradients()[v], 435);
    }
}

/// A policy whose optimizer is cut over the ranks, next to one that is whole.
struct ShardedPolicy : testing::Test {
    ShardedPolicy() {
        const std::vector<float> start = test::random_parameters<float>(model().layout());
        alone.set_parameters(start);
        together.set_parameters(start);
        optimizer.beta1 = 0.9;
        optimizer.beta2 = 0.95;
        optimizer.epsilon = 1e-8;
        optimizer.weight_decay = 0.1;
        optimizer.max_grad_norm = 1;
    }
    static ModelShape shape() {
        ModelShape made = test::small_shape(true, true);
        made.hidden = 33;
        made.intermediate = 71;
        made.vocabulary = 600;
        return made;
    }
    Transformer<float>& model() { return alone.model(); }
    /// Both get the gradient; of the cut one every rank has another part.
    void set_gradients(std::vector<float> values) {
        std::memcpy(alone.gradients(), values.data(), values.size() * sizeof(float));
        for (std::size_t i = 0; i < values.size(); ++i) {
            const bool mine = i % static_cast<std::size_t>(world->size()) ==
                              static_cast<std::size_t>(world->rank());
            if (!mine) values[i] = 0;
        }
        std::memcpy(together.gradients(), values.data(), values.size() * sizeof(float));
        float* const buffer = together.gradients();
        world->reduce_scatter({&buffer, 1}, sum_over_ranks(world->size(), world->size()),
                              together.shards().ranges());
    }
    std::vector<float> random_gradients(std::uint32_t step) {
        RandomStream random(make_key(11, Purpose::kControl), step);
        std::vector<float> values(alone.size());
        for (float& value : values) value = static_cast<float>(0.1 * random.normal());
        return values;
    }
    void expect_equal_policies() {
        const auto host = [](Policy<float>& policy) {
            const float* const weights = policy.flat_weights();
            return std::vector<float>(weights, weights + policy.size());
        };
        EXPECT_TRUE(same_bits(host(together), host(alone)));
        EXPECT_TRUE(same_bits(whole(together, together.first_moment()),
                              whole(alone, alone.first_moment())));
        EXPECT_TRUE(same_bits(whole(together, together.second_moment()),
                              whole(alone, alone.second_moment())));
        EXPECT_EQ(together.updates(), alone.updates());
    }

    std::unique_ptr<Backend<float>> backend = make_cpu_backend(1);
    std::unique_ptr<Communicator> self = make_self_communicator();
    std::unique_ptr<TensorGroup> own_group = test::group_of(*self, *backend);
    std::unique_ptr<TensorGroup> world_group = test::group_of(*world, *backend);
    Policy<float> alone{shape(), *backend, *own_group};
    Policy<float> together{shape(), *backend, *world_group};
    OptimizerSection optimizer;
};

TEST_F(ShardedPolicy, TwentyUpdatesHaveTheBitsOfTheWholeOne) {
    for (std::uint32_t step = 0; step < 20; ++step) {
        set_gradients(random_gradients(step));
        const double norm = together.update(*world, optimizer, 1e-2 / (1 + step % 7));
        EXPECT_EQ(norm, alone.update(*self, optimizer, 1e-2 / (1 + step % 7)));
    }
    expect_equal_policies();
    // Its embedding is one cell and most of it: on 4 ranks one owns nothing.
    EXPECT_EQ(together.own().size() < together.size(), world->size() > 1);
}

TEST_F(ShardedPolicy, GradientThatIsNotFiniteOnOneRankIsRefusedOnAll) {
    set_gradients(random_gradients(0));
    together.update(*world, optimizer, 1e-3);
    alone.update(*self, optimizer, 1e-3);
    for (const ValueRange& range : together.shards().ranges()) {
        std::vector<float> gradient = random_gradients(1);
        gradient[std::min(range.first, gradient.size() - 1)] =
            std::numeric_limits<float>::quiet_NaN();
        set_gradients(gradient);
        EXPECT_THROW(together.update(*world, optimizer, 1e-3), Error);
        expect_equal_policies();
    }
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
