// SPDX-License-Identifier: Apache-2.0
// 200 steps of supervised fine-tuning on the addition task with the shape and the settings of
// recipes/addition-tiny.yaml: on the CPU in fp32, on the GPU in fp32 and in bf16, from the same
// weights and batches. Writes problem.json, from which pytorch_curve.py makes the same steps, and
// curves.json.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/gpu/rig.h"
#include "bench/gpu/shapes.h"
#include "common/error.h"
#include "common/json.h"
#include "mpi_runtime/model/initialise.h"
#include "mpi_runtime/reward/task.h"
#include "mpi_runtime/tokenizer/tokenizer.h"
#include "mpi_runtime/trainer/learning_rate.h"

namespace r1::bench {

namespace {

struct Sequence {
    std::vector<std::int32_t> prompt, completion;
};

struct LossProblem {
    ModelShape shape;
    std::vector<float> parameters;
    std::vector<std::vector<Sequence>> steps;  // a batch each
    std::vector<double> learning_rates;
};

std::vector<Sequence> make_batch(const Task& task, const Tokenizer& tokenizer, std::uint32_t step,
                                 std::uint32_t sequences) {
    std::vector<Sequence> batch;
    for (std::uint32_t i = 0; i < sequences; ++i) {
        const std::uint32_t number = step * sequences + i;
        const Prompt prompt = task.prompt(Split::kTrain, number);
        batch.push_back({tokenizer.encode_plain(prompt.text),
                         tokenizer.encode(task.demonstration(prompt, number))});
        batch.back().completion.push_back(tokenizer.end_of_text());
    }
    return batch;
}

LossProblem make_problem(const Options& options) {
    TaskSection section;
    section.digits = 3;
    section.teacher_forget_carry = 0.7;
    section.teacher_error = 0.03;
    const auto task = make_task(section, 1);
    const auto tokenizer = make_byte_tokenizer();
    LossProblem problem;
    problem.shape = addition_tiny(tokenizer->vocabulary_size());
    problem.parameters = initial_parameters(problem.shape, ParameterLayout(problem.shape),
                                            make_key(1, Purpose::kInit));
    OptimizerSection optimizer;
    optimizer.learning_rate = 3e-3;
    optimizer.warmup_steps = 20;
    optimizer.schedule = Schedule::kCosine;
    optimizer.final_learning_rate_ratio = 0.1;
    const std::uint32_t steps = options.tiny ? 3 : 200;
    for (std::uint32_t step = 0; step < steps; ++step) {
        problem.steps.push_back(make_batch(*task, *tokenizer, step, options.tiny ? 4 : 64));
        problem.learning_rates.push_back(learning_rate_at(optimizer, step, steps));
    }
    return problem;
}

void write_json(const std::filesystem::path& path, const Json& json) {
    std::ofstream file(path);
    file << json << '\n';
    file.close();
    if (!file) throw_system_error("write", path.string());
}

void write_problem(const std::filesystem::path& path, const LossProblem& problem) {
    const ModelShape& shape = problem.shape;
    const OptimizerSection optimizer = adamw_settings();
    Json json = {{"heads", shape.attention.heads},
                 {"layers", shape.layers},
                 {"rms_norm_eps", shape.rms_norm_eps},
                 {"rope_theta", shape.rope_theta},
                 {"betas", {optimizer.beta1, optimizer.beta2}},
                 {"epsilon", optimizer.epsilon},
                 {"weight_decay", optimizer.weight_decay},
                 {"max_grad_norm", optimizer.max_grad_norm},
                 {"learning_rates", problem.learning_rates}};
    const ParameterLayout layout(shape);
    for (const ParameterView& view : layout.views()) {
        const auto first = problem.parameters.begin() + static_cast<std::ptrdiff_t>(view.offset);
        json["parameters"][view.name] = {
            {"shape", view.shape},
            {"values", std::vector<float>(first, first + static_cast<std::ptrdiff_t>(view.count))}};
    }
    for (const std::vector<Sequence>& batch : problem.steps) {
        Json sequences = Json::array();
        for (const Sequence& sequence : batch)
            sequences.push_back({sequence.prompt, sequence.completion});
        json["steps"].push_back(std::move(sequences));
    }
    write_json(path, json);
}

std::vector<double> curve_of(const LossProblem& problem,
                             std::unique_ptr<WideBackend<float>> device) {
    Rig rig(problem.shape, std::move(device), {});
    rig.actor().set_parameters(problem.parameters);
    std::vector<double> curve;
    for (std::size_t step = 0; step < problem.steps.size(); ++step) {
        std::vector<PackedBatch> batches(1);
        for (const Sequence& sequence : problem.steps[step])
            batches[0].append(sequence.prompt, sequence.completion);
        curve.push_back(rig.train(batches, adamw_settings(), problem.learning_rates[step]));
    }
    return curve;
}

void print_difference(const std::string& name, const std::vector<double>& curve,
                      const std::vector<double>& cpu) {
    double largest = 0, sum = 0;
    for (std::size_t i = 0; i < curve.size(); ++i) {
        largest = std::max(largest, std::abs(curve[i] - cpu[i]));
        sum += std::abs(curve[i] - cpu[i]);
    }
    print_figure({name + ".last", curve.back(), "nats", "the CPU's in fp32", cpu.back(), 0});
    print_figure({name + ".largest_difference", largest, "nats", "", 0, 0});
    print_figure(
        {name + ".mean_difference", sum / static_cast<double>(curve.size()), "nats", "", 0, 0});
}

}  // namespace

void loss_curve(const Options& options) {
    const std::filesystem::path folder(options.folder.empty() ? "." : options.folder);
    std::filesystem::create_directories(folder);
    const LossProblem problem = make_problem(options);
    write_problem(folder / "problem.json", problem);
    const std::vector<double> cpu = curve_of(problem, make_cpu_backend(1));
    const std::vector<double> fp32 = curve_of(problem, make_device<float>(options));
    const std::vector<double> bf16 = curve_of(problem, make_device<Bf16>(options));
    write_json(folder / "curves.json", {{"cpu_fp32", cpu}, {"gpu_fp32", fp32}, {"gpu_bf16", bf16}});
    print_difference("loss_curve.fp32", fp32, cpu);
    print_difference("loss_curve.bf16", bf16, cpu);
}

}  // namespace r1::bench
