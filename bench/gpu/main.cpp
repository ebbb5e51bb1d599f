// SPDX-License-Identifier: Apache-2.0
//   r1_bench_gpu NAME [--tiny] [--cpu] [--bandwidth BYTES] [--rate FLOPS] [--folder FOLDER]
//       [--once]
// NAME is limits, training, decode, grpo_step, kernels, products or loss_curve. Prints a line of
// JSON for each figure (bench.h). Exit codes as r1ctl's; 3 where there is no GPU to measure.
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <string>

#include "bench/gpu/bench.h"
#include "common/error.h"

namespace r1::bench {
namespace {

constexpr int kNoGpu = 3;

const std::map<std::string, std::function<void(const Options&)>>& benchmarks() {
    static const std::map<std::string, std::function<void(const Options&)>> all = {
        {"limits", limits},        {"training", training}, {"decode", decode},
        {"grpo_step", grpo_step},  {"kernels", kernels},   {"products", products},
        {"loss_curve", loss_curve}};
    return all;
}

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 2; i < argc; ++i) {
        const std::string word = argv[i];
        const auto value = [&] {
            if (++i == argc) throw Error(ExitCode::kUsage, word + " needs a value");
            return std::string(argv[i]);
        };
        if (word == "--tiny")
            options.tiny = true;
        else if (word == "--cpu")
            options.on_cpu = true;
        else if (word == "--once")
            options.once = true;
        else if (word == "--bandwidth")
            options.limits.bandwidth = std::stod(value());
        else if (word == "--rate")
            options.limits.matrix_rate = std::stod(value());
        else if (word == "--folder")
            options.folder = value();
        else
            throw Error(ExitCode::kUsage, "unknown word '" + word + "'");
    }
    return options;
}

/// Why no GPU can be measured; empty where one can.
std::string why_no_gpu(const Options& options) {
    try {
        make_device<Bf16>(options);
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

int run(int argc, char** argv) {
    const auto found = argc < 2 ? benchmarks().end() : benchmarks().find(argv[1]);
    if (found == benchmarks().end())
        throw Error(ExitCode::kUsage, "the first word names a benchmark; see bench/gpu/README.md");
    const Options options = parse(argc, argv);
    const std::string why_not = why_no_gpu(options);
    if (!why_not.empty()) {
        std::fprintf(stderr, "NOTHING RAN: %s\n", why_not.c_str());
        return kNoGpu;
    }
    found->second(options);
    return 0;
}

}  // namespace
}  // namespace r1::bench

int main(int argc, char** argv) {
    try {
        return r1::bench::run(argc, argv);
    } catch (const r1::Error& error) {
        std::fprintf(stderr, "r1_bench_gpu: %s\n", error.what());
        return static_cast<int>(error.code());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "r1_bench_gpu: %s\n", error.what());
        return 1;
    }
}
