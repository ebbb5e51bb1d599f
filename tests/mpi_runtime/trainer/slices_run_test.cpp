// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun. The ranks train a model that they share in slices; every rank also trains it
// alone. What is sampled must be the same, and what is learnt the same but for rounding.
#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>

#include "common/error.h"
#include "mpi_runtime/trainer/evaluation.h"
#include "tests/mpi_runtime/ranks_main.h"
#include "tests/mpi_runtime/trainer/tiny_run.h"

namespace r1 {
namespace {

using test::TinyRun;
using test::world;

/// How the ranks share the work.
struct Layout {
    int slices = 1;
    int zero = 1;
    bool narrow = false;  ///< bf16
};

std::vector<Layout> those_that_fit(std::initializer_list<Layout> layouts) {
    std::vector<Layout> fit;
    for (const Layout& layout : layouts)
        if (world->size() % layout.slices == 0) fit.push_back(layout);
    return fit;
}
/// In float, in which samples can be compared.
std::vector<Layout> float_layouts() {
    return those_that_fit({{1, 1}, {2, 1}, {2, 2}, {2, 3}, {4, 1}, {4, 3}});
}
std::vector<Layout> layouts() {
    return those_that_fit({{1, 1}, {2, 1}, {4, 3}, {2, 3, true}});
}

std::string name_of(const Layout& layout) {
    return std::to_string(layout.slices) + " slices, ZeRO " + std::to_string(layout.zero) +
           (layout.narrow ? ", bf16" : "");
}

/// A model that 4 ranks can share.
std::vector<std::string> alone_with(const Layout& layout, std::vector<std::string> overrides) {
    for (const char* more :
         {"model.num_attention_heads=4", "model.attention_bias=true", "stages.sft.steps=60",
          "stages.sft.batch_size=8", "resources.device=cpu"})
        overrides.emplace_back(more);
    overrides.emplace_back(layout.narrow ? "training.precision=bf16" : "training.precision=fp32");
    return overrides;
}
std::vector<std::string> together_with(const Layout& layout, std::vector<std::string> overrides) {
    overrides = alone_with(layout, std::move(overrides));
    overrides.push_back("resources.ranks=" + std::to_string(world->size()));
    overrides.push_back("parallel.tensor=" + std::to_string(layout.slices));
    overrides.push_back("parallel.zero=" + std::to_string(layout.zero));
    return overrides;
}

/// A log-probability or a gradient goes through some 60 operations, one behind the other. In float
/// each is a sum of at most 261 terms, whose rounding errors of 2^-24 have no common sign; in bf16
/// the sums are exact beside the rounding of their result by 2^-9. Sums of terms of order 1 that
/// cancel keep the error of their terms.
double rounding(const Layout& layout) {
    return layout.narrow ? 60 * 0x1p-9 : 60 * std::sqrt(261.0) * 0x1p-24;
}

/// The weights differ by what the steps before have rounded.
void expect_close(const Layout& layout, const Metrics& actual, const Metrics& expected,
                  std::int64_t step) {
    for (const char* name : {"sft/loss", "actor/pg_loss", "actor/kl_loss", "actor/grad_norm",
                             "actor/entropy", "actor/ppo_kl", "training/rollout_probs_diff_max"}) {
        for (const auto& [key, value] : expected) {
            if (key != name) continue;
            const double tolerance =
                rounding(layout) * static_cast<double>(step + 1) * std::max(1.0, std::abs(value));
            EXPECT_NEAR(test::metric(actual, key), value, tolerance) << key << ", step " << step;
        }
    }
}

/// A whole flat buffer, put together from what the ranks save.
std::vector<float> whole_of(const Session& session, Actor& actor, Kept kept) {
    std::vector<float> values(actor.whole_layout().size());
    const ValueRange& saved = actor.saved_shards().of(session.comm.rank());
    std::copy_n(actor.saved_values(kept), saved.size(), values.data() + saved.first);
    session.comm.all_gather(values.data(), actor.saved_shards().ranges());
    return values;
}

bool same_everywhere(Communicator& comm, const float* values, std::size_t count) {
    const std::string_view bytes(reinterpret_cast<const char*>(values), count * sizeof(float));
    for (const std::string& other : comm.all_gather(bytes))
        if (other != bytes) return false;
    return true;
}

/// The copies of a slice have the same bits, and so has what every slice has.
void expect_equal_copies(const Session& session, Stage& stage) {
    Actor& actor = *stage.actor();
    const std::vector<float> weights = test::weights_of(stage);
    EXPECT_TRUE(same_everywhere(session.data, weights.data(), weights.size()));
    if (!actor.is_slice()) return;
    for (const ParameterView& view : actor.layout().views()) {
        if (view.cut != Cut::kNone) continue;
        EXPECT_TRUE(
            same_everywhere(*session.groups.slices(), weights.data() + view.offset, view.count))
            << view.name;
    }
}

/// The checkpoint folder of the first rank.
std::filesystem::path shared_folder(const TinyRun& run) {
    return world->all_gather(run.session.run.checkpoints().string()).front();
}

SavedState save_together(const TinyRun& run, Stage& stage, std::int64_t step) {
    Snapshot snapshot(*world);
    stage.save(snapshot);
    return test::save_and_open(*world, shared_folder(run), step, snapshot);
}

/// A run whose sft stage is done, made once a process.
const TinyRun& started() {
    static const std::unique_ptr<TinyRun> run = [] {
        auto made = std::make_unique<TinyRun>(alone_with({}, {}));
        made->train_start();
        return made;
    }();
    return *run;
}

TEST(SlicesRun, SftFollowsOneRank) {
    for (const Layout& layout : layouts()) {
        SCOPED_TRACE(name_of(layout));
        TinyRun alone(alone_with(layout, {}));
        TinyRun together(together_with(layout, {}), world);
        const std::unique_ptr<Stage> expected = make_stage(alone.session, 0);
        const std::unique_ptr<Stage> stage = make_stage(together.session, 0);
        EXPECT_EQ(stage->actor()->is_slice(), layout.slices > 1);
        for (std::int64_t step = 0; step < 3; ++step) {
            expect_close(layout, stage->step(step), expected->step(step), step);
            expect_equal_copies(together.session, *stage);
        }
    }
}

/// The samples in the middle of a rollout; the leader saves them.
std::vector<Sample> samples_of(const TinyRun& run, Stage& stage) {
    return unpack_samples(test::packed_rollout(run, stage));
}

TEST(SlicesRun, GrpoDrawsTheSamplesOfOneRankAndFollowsIt) {
    const std::vector<std::string> overrides{
        "stages.rl.rollout_size=32", "stages.rl.inner_epochs=2", "stages.rl.kl_coefficient=0.05",
        "stages.rl.sampling.max_new_tokens=14", "stages.rl.sampling.temperature=0.8"};
    for (const Layout& layout : float_layouts()) {
        SCOPED_TRACE(name_of(layout));
        TinyRun alone(alone_with(layout, overrides));
        TinyRun together(together_with(layout, overrides), world);
        for (TinyRun* run : {&alone, &together}) run->take_start(started());
        const std::unique_ptr<Stage> expected = make_stage(alone.session, 1);
        const std::unique_ptr<Stage> stage = make_stage(together.session, 1);
        for (std::int64_t step = 0; step < 4; ++step) {
            const Metrics metrics = expected->step(step);
            EXPECT_GT(test::metric(metrics, "actor/grad_norm"), 0);
            expect_close(layout, stage->step(step), metrics, step);
            expect_equal_copies(together.session, *stage);
            const std::vector<Sample> samples = samples_of(together, *stage);
            const std::vector<Sample> wanted = samples_of(alone, *expected);
            if (world->rank() != 0) continue;
            ASSERT_EQ(samples.size(), wanted.size());
            for (std::size_t i = 0; i < samples.size(); ++i) {
                EXPECT_EQ(samples[i].tokens, wanted[i].tokens) << "step " << step;
                EXPECT_EQ(samples[i].reward, wanted[i].reward);
            }
        }
        const EvaluationSection& section = alone.session.recipe.evaluation;
        const EvaluationResult result = evaluate(together.session, *stage->actor(), section);
        const EvaluationResult wanted = evaluate(alone.session, *expected->actor(), section);
        EXPECT_EQ(result.tokens, wanted.tokens);
        EXPECT_EQ(result.pass_at_1, wanted.pass_at_1);
    }
}

void expect_same_buffers(const TinyRun& a_run, Stage& a, const TinyRun& b_run, Stage& b) {
    for (const Kept kept :
         {Kept::kParameters, Kept::kFirstMoment, Kept::kSecondMoment, Kept::kReference})
        EXPECT_TRUE(whole_of(a_run.session, *a.actor(), kept) ==
                    whole_of(b_run.session, *b.actor(), kept))
            << static_cast<int>(kept);
}

TEST(SlicesRun, CheckpointOfSlicesGoesOnOnOneRankAndBack) {
    const std::vector<std::string> overrides{"stages.rl.inner_epochs=2",
                                             "stages.rl.kl_coefficient=0.05"};
    for (const Layout& layout : layouts()) {
        SCOPED_TRACE(name_of(layout));
        TinyRun alone(alone_with(layout, overrides));
        TinyRun together(together_with(layout, overrides), world);
        for (TinyRun* run : {&alone, &together}) run->take_start(started());
        std::unique_ptr<Stage> stage = make_stage(together.session, 1);
        for (std::int64_t step = 0; step < 3; ++step) stage->step(step);
        const std::unique_ptr<Stage> other = make_stage(alone.session, 1, Beginning::kRestored);
        other->restore(save_together(together, *stage, 1003));
        expect_same_buffers(alone, *other, together, *stage);
        expect_close(layout, stage->step(3), other->step(3), 0);

        // The leader's checkpoint, which no slice has a part in.
        const SavedState saved = [&] {
            if (world->rank() == 0) test::save_and_open(alone, *other, 1004);
            world->barrier();
            return SavedState(shared_folder(alone) / checkpoint_name(1004));
        }();
        stage = make_stage(together.session, 1, Beginning::kRestored);
        stage->restore(saved);
        other->restore(saved);  // every rank's own has rounded alike, but in another rollout
        expect_same_buffers(alone, *other, together, *stage);
        const Metrics metrics = stage->step(4);
        const Metrics wanted = other->step(4);
        // Logits that bf16 has rounded draw other samples.
        if (!layout.narrow) expect_close(layout, metrics, wanted, 0);
    }
}

TEST(SlicesRun, SlicesThatTheRanksCannotMakeAreRefused) {
    const std::string slices = std::to_string(2 * world->size());
    try {
        const TinyRun run({"model.num_attention_heads=8", "resources.ranks=" + slices,
                           "parallel.tensor=" + slices},
                          world);
        FAIL() << "expected an Error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        EXPECT_NE(std::string(error.what()).find("parallel.tensor " + slices), std::string::npos);
    }
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
