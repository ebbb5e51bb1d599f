// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/policy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/error.h"
#include "tests/mpi_runtime/model/small_model.h"
#include "tests/mpi_runtime/tensor_groups.h"

namespace r1 {
namespace {

/// AdamW with clipping as torch documents it, in double and in the plainest order.
struct PlainAdamW {
    explicit PlainAdamW(const std::vector<float>& start)
        : p(start.begin(), start.end()), m(start.size(), 0), v(start.size(), 0) {}
    double step(std::vector<double> g, const OptimizerSection& o, double rate) {
        ++steps;
        double squares = 0;
        for (const double x : g) squares += x * x;
        const double norm = std::sqrt(squares);
        const double limit = o.max_grad_norm / (norm + 1e-6);
        if (o.max_grad_norm > 0 && limit < 1)
            for (double& x : g) x *= limit;
        for (std::size_t i = 0; i < p.size(); ++i) {
            p[i] -= rate * o.weight_decay * p[i];
            m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
            v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
            const double m_hat = m[i] / (1 - std::pow(o.beta1, steps));
            const double v_hat = v[i] / (1 - std::pow(o.beta2, steps));
            p[i] -= rate * m_hat / (std::sqrt(v_hat) + o.epsilon);
        }
        return norm;
    }
    std::vector<double> p, m, v;
    int steps = 0;
};

struct PolicyTest : testing::Test {
    PolicyTest() { policy.set_parameters(start); }
    std::vector<float> read(const float* values) {
        std::vector<float> host(policy.size());
        backend->to_host(host.data(), values, host.size() * sizeof(float));
        return host;
    }
    void set_gradients(const std::vector<float>& host) {
        backend->to_device(policy.gradients(), host.data(), host.size() * sizeof(float));
    }
    std::vector<float> random_gradients(std::uint32_t step, double size) const {
        RandomStream random(make_key(11, Purpose::kControl), step);
        std::vector<float> values(policy.size());
        for (float& value : values) value = static_cast<float>(size * random.normal());
        return values;
    }
    std::unique_ptr<Backend<float>> backend = make_cpu_backend(1);
    std::unique_ptr<Communicator> comm = make_self_communicator();
    std::unique_ptr<TensorGroup> group = test::group_of(*comm, *backend);
    Policy<float> policy{test::small_shape(true, false), *backend, *group};
    std::vector<float> start = test::random_parameters<float>(policy.model().layout());
    OptimizerSection optimizer = [] {
        OptimizerSection section;
        section.beta1 = 0.9;
        section.beta2 = 0.95;
        section.epsilon = 1e-8;
        section.weight_decay = 0.1;
        section.max_grad_norm = 1;
        return section;
    }();
};

TEST_F(PolicyTest, FiftyUpdatesEqualAPlainAdamWInDouble) {
    PlainAdamW plain(start);
    for (std::uint32_t step = 0; step < 50; ++step) {
        const double rate = 1e-2 / (1 + step % 7);
        // Norms on both sides of the clip: size · sqrt(values) is about 0.3 or 9.
        const std::vector<float> gradient = random_gradients(step, step % 3 == 0 ? 0.01 : 0.3);
        set_gradients(gradient);
        const double norm = policy.update(*comm, optimizer, rate);
        const double expected = plain.step({gradient.begin(), gradient.end()}, optimizer, rate);
        EXPECT_NEAR(norm, expected, 1e-6 * expected);
    }
    const std::vector<float> weights = read(policy.flat_weights());
    // Floats are rounded at every step: 50 half units in the last place of values up to 1.6.
    for (std::size_t i = 0; i < weights.size(); ++i)
        EXPECT_NEAR(static_cast<double>(weights[i]), plain.p[i], 50 * 6e-8 * 2);
}

TEST_F(PolicyTest, WithoutAClipTheGradientIsTakenAsItIs) {
    optimizer.max_grad_norm = 0;
    PlainAdamW plain(start);
    for (std::uint32_t step = 0; step < 5; ++step) {
        const std::vector<float> gradient = random_gradients(step, 10.0 * (step + 1));
        set_gradients(gradient);
        policy.update(*comm, optimizer, 1e-2);
        plain.step({gradient.begin(), gradient.end()}, optimizer, 1e-2);
    }
    const std::vector<float> weights = read(policy.flat_weights());
    const std::vector<float> moment = read(policy.first_moment());
    for (std::size_t i = 0; i < weights.size(); ++i) {
        EXPECT_NEAR(static_cast<double>(weights[i]), plain.p[i], 2e-6);
        EXPECT_NEAR(static_cast<double>(moment[i]), plain.m[i], 1e-5 * std::abs(plain.m[i]) + 1e-5);
    }
}

TEST_F(PolicyTest, UpdatesAreCountedAndTheCountIsBiasCorrection) {
    EXPECT_EQ(policy.updates(), 0);
    set_gradients(random_gradients(0, 0.1));
    policy.update(*comm, optimizer, 1e-3);
    EXPECT_EQ(policy.updates(), 1);
    // The same moments at another count give another step.
    const std::vector<float> after_one = read(policy.flat_weights());
    Policy<float> other(test::small_shape(true, false), *backend, *group);
    other.set_parameters(start);
    other.set_updates(1000);
    backend->to_device(other.gradients(), random_gradients(0, 0.1).data(),
                       other.size() * sizeof(float));
    other.update(*comm, optimizer, 1e-3);
    EXPECT_EQ(other.updates(), 1001);
    EXPECT_NE(read(other.flat_weights()), after_one);
}

TEST_F(PolicyTest, GradientThatIsNotFiniteIsRefusedAndChangesNothing) {
    set_gradients(random_gradients(0, 0.1));
    policy.update(*comm, optimizer, 1e-3);
    const std::vector<float> weights = read(policy.flat_weights());
    const std::vector<float> first = read(policy.first_moment());
    const std::vector<float> second = read(policy.second_moment());
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> gradient = random_gradients(1, 0.1);
        gradient[gradient.size() / 2] = bad;
        set_gradients(gradient);
        try {
            policy.update(*comm, optimizer, 1e-3);
            FAIL() << "expected an Error";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::kRunFailed);
            EXPECT_NE(std::string(error.what()).find("update 2 is not finite"), std::string::npos);
        }
        EXPECT_EQ(policy.updates(), 1);
        EXPECT_EQ(read(policy.flat_weights()), weights);
        EXPECT_EQ(read(policy.first_moment()), first);
        EXPECT_EQ(read(policy.second_moment()), second);
    }
}

TEST_F(PolicyTest, NoGradientAndNoDecayLeavesTheWeightsBits) {
    optimizer.weight_decay = 0;
    policy.zero_gradients();
    EXPECT_EQ(policy.update(*comm, optimizer, 0.5), 0);
    EXPECT_EQ(read(policy.flat_weights()), start);
}

TEST_F(PolicyTest, DecayIsDecoupledFromTheGradient) {
    policy.zero_gradients();
    policy.update(*comm, optimizer, 0.5);
    const std::vector<float> weights = read(policy.flat_weights());
    for (std::size_t i = 0; i < weights.size(); ++i)
        EXPECT_FLOAT_EQ(weights[i], start[i] * (1 - 0.5f * 0.1f));
}

}  // namespace
}  // namespace r1
