// SPDX-License-Identifier: Apache-2.0
// 50 updates of torch.optim.AdamW with clip_grad_norm_ and a LinearLR, then CosineAnnealingLR.
#include "mpi_runtime/trainer/learning_rate.h"
#include "mpi_runtime/trainer/policy.h"
#include "tests/mpi_runtime/parity/parity_model.h"
#include "tests/mpi_runtime/tensor_groups.h"

namespace r1 {
namespace {

using test::expect_close;
using test::expect_tensors_close;

OptimizerSection optimizer_of(const nlohmann::json& reference) {
    OptimizerSection optimizer;
    optimizer.learning_rate = reference.at("learning_rate");
    optimizer.warmup_steps = reference.at("warmup_steps");
    optimizer.schedule = Schedule::kCosine;
    optimizer.final_learning_rate_ratio = reference.at("final_learning_rate_ratio");
    optimizer.beta1 = reference.at("beta1");
    optimizer.beta2 = reference.at("beta2");
    optimizer.epsilon = reference.at("epsilon");
    optimizer.weight_decay = reference.at("weight_decay");
    optimizer.max_grad_norm = reference.at("max_grad_norm");
    return optimizer;
}

/// A model without layers: its embedding and its norm are the two tensors of the fixture.
ModelShape two_tensors() {
    ModelShape shape;
    shape.hidden = 4;
    shape.vocabulary = 4;
    shape.attention = {1, 1, 4};
    shape.tied = true;
    return shape;
}

template <class T>
std::vector<T> flat(const ParameterLayout& layout, const nlohmann::json& tensors) {
    std::vector<T> values(layout.size());
    for (const ParameterView& view : layout.views()) {
        const std::vector<double> source = test::numbers(tensors.at(view.name));
        for (std::size_t i = 0; i < view.count; ++i)
            values[view.offset + i] = static_cast<T>(source.at(i));
    }
    return values;
}

void expect_policy_follows(std::unique_ptr<Backend<float>> backend) {
    const nlohmann::json reference = test::load_reference("adamw");
    const OptimizerSection optimizer = optimizer_of(reference);
    const auto comm = make_self_communicator();
    const auto group = test::group_of(*comm, *backend);
    Policy<float> policy(two_tensors(), *backend, *group);
    const ParameterLayout layout(two_tensors());
    policy.set_parameters(flat<float>(layout, reference.at("start")));
    Array<float> parameters(*backend, policy.size());
    for (const nlohmann::json& step : reference.at("trajectory")) {
        const std::vector<float> gradients = flat<float>(layout, step.at("gradients"));
        backend->to_device(policy.gradients(), gradients.data(), policy.size() * sizeof(float));
        const double rate =
            learning_rate_at(optimizer, policy.updates(), reference.at("steps").get<int>());
        const double norm = policy.update(*comm, optimizer, rate);
        // The gradients are exact in fp32 and the norm is summed in fp64.
        expect_close(norm, step.at("norm"), 1e-12, "norm");
        backend->copy(parameters.data(), policy.flat_weights(), policy.size() * sizeof(float));
        // fp32 rounds each weight by 6e-8 in each of 50 updates; the errors add up as a random
        // walk.
        expect_tensors_close(layout, parameters.to_host(policy.size()), step.at("parameters"),
                             1e-6);
    }
    EXPECT_EQ(policy.updates(), 50);
}

TEST(OptimizerParity, FiftyUpdatesOnTheFastBackendsFollowPyTorch) {
    test::with_every_fast_backend(expect_policy_follows);
}

TEST(OptimizerParity, FiftyUpdatesOnThePlainBackendFollowPyTorch) {
    expect_policy_follows(make_reference_backend<float>());
}

TEST(OptimizerParity, AdamWInDoubleFollowsPyTorch) {
    const nlohmann::json reference = test::load_reference("adamw");
    const OptimizerSection optimizer = optimizer_of(reference);
    const ParameterLayout layout(two_tensors());
    const auto backend = make_reference_backend<double>();
    std::vector<double> parameters = flat<double>(layout, reference.at("start"));
    std::vector<double> first_moment(layout.size()), second_moment(layout.size());
    AdamWStep update{.learning_rate = 0,
                     .beta1 = optimizer.beta1,
                     .beta2 = optimizer.beta2,
                     .epsilon = optimizer.epsilon,
                     .weight_decay = optimizer.weight_decay,
                     .gradient_scale = 1,
                     .step = 1};
    for (const nlohmann::json& step : reference.at("trajectory")) {
        const std::vector<double> gradients = flat<double>(layout, step.at("gradients"));
        update.learning_rate = step.at("learning_rate");
        update.gradient_scale =
            std::min(1.0, optimizer.max_grad_norm / (step.at("norm").get<double>() + 1e-6));
        backend->adamw(parameters.data(), parameters.data(), gradients.data(), first_moment.data(),
                       second_moment.data(), layout.size(), update);
        expect_tensors_close(layout, parameters, step.at("parameters"), 1e-12);
        ++update.step;
    }
}

TEST(OptimizerParity, WarmUpAndCosineFollowPyTorch) {
    const nlohmann::json reference = test::load_reference("adamw");
    const OptimizerSection optimizer = optimizer_of(reference);
    std::vector<double> actual, expected;
    for (const nlohmann::json& step : reference.at("trajectory")) {
        actual.push_back(learning_rate_at(optimizer, static_cast<std::int64_t>(actual.size()),
                                          reference.at("steps").get<int>()));
        expected.push_back(step.at("learning_rate"));
    }
    // PyTorch computes each rate from the one before it; 50 roundings of 1e-16 add up.
    expect_close(std::span<const double>(actual), expected, 1e-12, "learning rates");
}

}  // namespace
}  // namespace r1
