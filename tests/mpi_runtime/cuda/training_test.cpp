// SPDX-License-Identifier: Apache-2.0
// A whole training step on the GPU. How far it may be from what is right is how far the plain loops
// of the same type are: they round the same values to the same type, in another order. Four times
// that, since both distances are sums of random roundings: of 40 tensors one may have luck.
#include <cstring>

#include "tests/mpi_runtime/cuda/cuda_model.h"

namespace r1::test {
namespace {

template <class T>
class CudaTraining : public OnGpu {};
using Types = testing::Types<Bf16, float>;
TYPED_TEST_SUITE(CudaTraining, Types);

struct Right {
    Right(const ModelShape& shape, const PackedBatch& batch)
        : backend(make_reference_backend<double>()), model(shape, *backend), runner(model) {
        const std::vector<float> start = cuda_weights(shape);
        const std::vector<double> weights(start.begin(), start.end());
        gradient.resize(weights.size());
        runner.accumulate_gradient(weights.data(), gradient.data(), batch, 0.8, loss);
    }
    std::unique_ptr<Backend<double>> backend;
    Transformer<double> model;
    ModelRunner<double> runner;
    WeightedLoss loss;
    std::vector<double> gradient;
};

/// Rounding of fp32 alone, where a tensor of the plain loops happens to be exact.
constexpr double kLeast = 0x1p-20;

TYPED_TEST(CudaTraining, LossAndEveryGradientAreAsCloseAsThePlainLoops) {
    for (const bool tied : {false, true}) {
        const ModelShape shape = cuda_shape(tied);
        const PackedBatch batch = cuda_batch(shape);
        Right right(shape, batch);
        ActorOn gpu(shape, make_cuda_backend<TypeParam>(0));
        ActorOn plain(shape, make_reference_backend<TypeParam>());
        WeightedLoss gpu_loss, plain_loss;
        const std::vector<float> got = gpu.gradient(batch, gpu_loss);
        const std::vector<float> rounded = plain.gradient(batch, plain_loss);
        for (const ParameterView& view : gpu.actor->layout().views()) {
            const double allowed = 4 * distance(view, rounded, right.gradient) + kLeast;
            EXPECT_LE(distance(view, got, right.gradient), allowed) << view.name;
        }
        const double error = std::abs(plain_loss.value - right.loss.value);
        const double rows = static_cast<double>(batch.targets.size());
        // The losses' errors may cancel: at least the rounding of each log-probability.
        const double unit = std::is_same_v<TypeParam, Bf16> ? 0x1p-8 : 0x1p-24;
        EXPECT_NEAR(gpu_loss.value, right.loss.value,
                    2 * error + 0.05 * std::sqrt(rows) * 8 * unit);
        EXPECT_NEAR(gpu_loss.entropies / rows, right.loss.entropies / rows, 8 * unit);
    }
}

TYPED_TEST(CudaTraining, UpdatesFollowThePlainLoops) {
    const ModelShape shape = cuda_shape(true);
    const PackedBatch batch = cuda_batch(shape);
    ActorOn gpu(shape, make_cuda_backend<TypeParam>(0));
    ActorOn plain(shape, make_reference_backend<TypeParam>());
    ActorOn exact(shape, make_reference_backend<float>());
    OptimizerSection optimizer;
    optimizer.beta1 = 0.9;
    optimizer.beta2 = 0.95;
    // Large beside the gradients' errors: else a step's sign hangs on rounding.
    optimizer.epsilon = 0.1;
    optimizer.weight_decay = 0.1;
    optimizer.max_grad_norm = 1;
    for (ActorOn* one : {&gpu, &plain, &exact}) {
        for (int step = 0; step < 3; ++step) {
            WeightedLoss loss;
            one->gradient(batch, loss);
            EXPECT_GT(one->actor->update(optimizer, 0.05), 0);
        }
        EXPECT_EQ(one->actor->updates(), 3);
    }
    const std::vector<float> want = exact.weights();
    const std::vector<double> right(want.begin(), want.end());
    for (const ParameterView& view : gpu.actor->layout().views())
        EXPECT_LE(distance(view, gpu.weights(), right),
                  4 * distance(view, plain.weights(), right) + kLeast)
            << view.name;
}

TYPED_TEST(CudaTraining, RecomputedActivationsAndASecondRunHaveTheSameBits) {
    const ModelShape shape = cuda_shape(false);
    const PackedBatch batch = cuda_batch(shape);
    std::vector<float> first;
    for_each_order([&] {
        for (const bool recompute : {false, true}) {
            ActorOn gpu(shape, make_cuda_backend<TypeParam>(0),
                        {ZeroStage::kOptimizer, recompute, true, {}});
            WeightedLoss loss;
            const std::vector<float> gradient = gpu.gradient(batch, loss);
            if (first.empty()) first = gradient;
            EXPECT_EQ(std::memcmp(first.data(), gradient.data(), first.size() * sizeof(float)), 0)
                << "recompute " << recompute;
        }
    });
}

}  // namespace
}  // namespace r1::test
