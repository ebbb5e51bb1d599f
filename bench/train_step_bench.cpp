// SPDX-License-Identifier: Apache-2.0
// One step of supervised fine-tuning of the addition-tiny model: forward, backward, clipping,
// AdamW.
//   r1_bench_train_step --write FILE   the weights and sequences, for a peer to start from
//   r1_bench_train_step STEPS          makes STEPS steps and prints their losses and seconds as
//   JSON
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "common/time.h"
#include "mpi_runtime/model/initialise.h"
#include "mpi_runtime/trainer/model_runner.h"
#include "mpi_runtime/trainer/policy.h"

namespace r1 {
namespace {

constexpr int kSequences = 64;
constexpr double kLearningRate = 3e-3;

struct Sequence {
    std::vector<std::int32_t> prompt, completion;
};

ModelShape addition_tiny() {
    ModelShape shape;
    shape.hidden = 96;
    shape.intermediate = 192;
    shape.layers = 2;
    shape.attention = {3, 3, 32};
    shape.vocabulary = 261;
    shape.max_positions = 64;
    return shape;
}

/// 9 + 24 to 34 tokens: 37 rows in the mean.
std::vector<Sequence> make_sequences(std::int32_t vocabulary) {
    RandomStream stream(make_key(1, Purpose::kPrompt), 0);
    const auto draw = [&](std::uint32_t count) {
        std::vector<std::int32_t> tokens;
        while (tokens.size() < count)
            tokens.push_back(
                static_cast<std::int32_t>(stream.below(static_cast<std::uint32_t>(vocabulary))));
        return tokens;
    };
    std::vector<Sequence> sequences;
    for (int i = 0; i < kSequences; ++i) {
        const std::uint32_t completion = 24 + stream.below(11);
        Sequence sequence;
        sequence.prompt = draw(9);
        sequence.completion = draw(completion);
        sequences.push_back(std::move(sequence));
    }
    return sequences;
}

class MeanNegativeLogprob final : public TokenLoss {
  public:
    explicit MeanNegativeLogprob(std::size_t tokens) : weight_(1 / static_cast<double>(tokens)) {}
    void evaluate(std::size_t, std::span<const double> logprob, std::span<const double>,
                  std::span<double> gradient) override {
        for (std::size_t i = 0; i < logprob.size(); ++i) {
            value -= weight_ * logprob[i];
            gradient[i] = -weight_;
        }
    }
    double value = 0;

  private:
    double weight_;
};

void write_problem(const std::string& path) {
    const ModelShape shape = addition_tiny();
    const ParameterLayout layout(shape);
    const std::vector<float> values =
        initial_parameters(shape, layout, make_key(1, Purpose::kInit));
    nlohmann::json problem;
    problem["heads"] = shape.attention.heads;
    problem["layers"] = shape.layers;
    problem["rms_norm_eps"] = shape.rms_norm_eps;
    problem["rope_theta"] = shape.rope_theta;
    problem["learning_rate"] = kLearningRate;
    for (const ParameterView& view : layout.views()) {
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(view.offset);
        problem["parameters"][view.name] = {
            {"shape", view.shape},
            {"values", std::vector<float>(first, first + static_cast<std::ptrdiff_t>(view.count))}};
    }
    for (const Sequence& sequence : make_sequences(shape.vocabulary))
        problem["sequences"].push_back(
            {{"prompt", sequence.prompt}, {"completion", sequence.completion}});
    std::ofstream file(path);
    file << problem << '\n';
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path);
}

void run_steps(int steps) {
    const ModelShape shape = addition_tiny();
    const auto backend = make_cpu_backend(1);
    const auto comm = make_self_communicator();
    const auto group = make_tensor_group(*comm, tensor_device(*backend), {}).group;
    Policy<float> policy(shape, *backend, *group);
    policy.set_parameters(
        initial_parameters(shape, policy.model().layout(), make_key(1, Purpose::kInit)));
    ModelRunner<float> runner(policy.model());
    PackedBatch batch;
    for (const Sequence& sequence : make_sequences(shape.vocabulary))
        batch.append(sequence.prompt, sequence.completion);
    OptimizerSection optimizer;
    optimizer.beta1 = 0.9;
    optimizer.beta2 = 0.95;
    optimizer.epsilon = 1e-8;
    optimizer.weight_decay = 0.01;
    optimizer.max_grad_norm = 1;
    nlohmann::json losses, seconds, cpu_seconds;
    for (int step = 0; step < steps; ++step) {
        const double begin = monotonic_seconds();
        const std::clock_t cpu_begin = std::clock();
        MeanNegativeLogprob loss(batch.targets.size());
        policy.zero_gradients();
        runner.accumulate_gradient(policy.weights(), policy.gradients(), batch, 1.0, loss);
        policy.update(*comm, optimizer, kLearningRate);
        seconds.push_back(monotonic_seconds() - begin);
        cpu_seconds.push_back(static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC);
        losses.push_back(loss.value);
    }
    std::cout << nlohmann::json{{"tokens", batch.rows()},
                                {"losses", losses},
                                {"seconds", seconds},
                                {"cpu_seconds", cpu_seconds},
                                {"backend", backend->name()}}
              << '\n';
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    try {
        if (argc == 3 && std::string(argv[1]) == "--write") {
            r1::write_problem(argv[2]);
            return 0;
        }
        if (argc == 2) {
            r1::run_steps(std::stoi(argv[1]));
            return 0;
        }
        std::fprintf(stderr, "usage: r1_bench_train_step STEPS | --write FILE\n");
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "r1_bench_train_step: %s\n", error.what());
        return 1;
    }
}
