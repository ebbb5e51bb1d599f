// SPDX-License-Identifier: Apache-2.0
// One token's attention of a decode step over a paged cache, in a model with the heads of
// Qwen2 1.5B (12 query heads, 2 kv heads of 128 columns, 28 layers), recorded as decoding records
// it. Shown are the time of a layer, the rate at which keys and values are read, and that rate as a
// part of what a copy within the device reaches (reads and writes counted) in the same run. Usage:
// r1_bench_cached_attention [ROWS TOKENS]
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/cuda/check.h"
#include "kernels/cuda/ops.h"

namespace {

using r1::Bf16;
using r1::cuda::check_cuda;

constexpr r1::HeadShape kShape{12, 2, 128};
constexpr int kLayers = 28;
constexpr std::int32_t kPageTokens = 16;
constexpr int kRounds = 15;

template <class V>
class Memory {
  public:
    explicit Memory(std::size_t count) : count_(count) {
        check_cuda(cudaMalloc(&data_, count * sizeof(V)), "cudaMalloc");
        check_cuda(cudaMemset(data_, 0, count * sizeof(V)), "cudaMemset");
    }
    explicit Memory(const std::vector<V>& host) : Memory(host.size()) {
        check_cuda(cudaMemcpy(data_, host.data(), count_ * sizeof(V), cudaMemcpyHostToDevice),
                   "cudaMemcpy");
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { cudaFree(data_); }
    V* data() const { return data_; }

  private:
    V* data_ = nullptr;
    std::size_t count_;
};

/// The median time of the recorded work, in seconds.
double seconds(const std::function<void(cudaStream_t)>& work) {
    cudaStream_t stream = nullptr;
    cudaEvent_t begin = nullptr, end = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t record = nullptr;
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    check_cuda(cudaEventCreate(&begin), "cudaEventCreate");
    check_cuda(cudaEventCreate(&end), "cudaEventCreate");
    work(stream);  // makes what is made once
    check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin capture");
    work(stream);
    check_cuda(cudaStreamEndCapture(stream, &graph), "end capture");
    check_cuda(cudaGraphInstantiate(&record, graph, 0), "cudaGraphInstantiate");
    std::vector<double> times;
    for (int round = 0; round < kRounds; ++round) {
        check_cuda(cudaEventRecord(begin, stream), "cudaEventRecord");
        check_cuda(cudaGraphLaunch(record, stream), "cudaGraphLaunch");
        check_cuda(cudaEventRecord(end, stream), "cudaEventRecord");
        check_cuda(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
        float milliseconds = 0;
        check_cuda(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
        times.push_back(static_cast<double>(milliseconds) / 1000);
    }
    cudaGraphExecDestroy(record);
    cudaGraphDestroy(graph);
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    cudaStreamDestroy(stream);
    std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
    return times[kRounds / 2];
}

double copy_bandwidth() {
    constexpr std::size_t kBytes = std::size_t{1} << 30;
    const Memory<char> from(kBytes), to(kBytes);
    const double time = seconds([&](cudaStream_t stream) {
        check_cuda(
            cudaMemcpyAsync(to.data(), from.data(), kBytes, cudaMemcpyDeviceToDevice, stream),
            "cudaMemcpyAsync");
    });
    return 2.0 * static_cast<double>(kBytes) / time;
}

/// Rows of `tokens` tokens each, or of tokens / 2 … 3 / 2 tokens when they vary.
void measure(std::int32_t rows, std::int32_t tokens, bool vary, double limit) {
    std::mt19937 random(1);
    const std::int32_t stride = (tokens + tokens / 2) / kPageTokens + 1;
    std::vector<std::int32_t> positions, tables(static_cast<std::size_t>(rows * stride));
    std::int64_t total = 0;
    for (std::int32_t i = 0; i < rows; ++i) {
        const auto spread = static_cast<std::int32_t>(random() % static_cast<unsigned>(tokens));
        const std::int32_t length = vary ? tokens / 2 + spread : tokens;
        positions.push_back(length - 1);
        total += length;
    }
    std::iota(tables.begin(), tables.end(), 0);
    std::shuffle(tables.begin(), tables.end(), random);
    const auto width = static_cast<std::size_t>(kShape.kv_width());
    const auto one = tables.size() * kPageTokens * width;
    // As many layers as fit 32 GiB, in turn: the L2 cache must not hold what is read again.
    const std::size_t fit = (std::size_t{32} << 30) / (2 * one * sizeof(Bf16));
    const std::size_t layers = std::clamp<std::size_t>(fit, 1, kLayers);
    const Memory<Bf16> keys(layers * one), values(layers * one);
    const auto all = static_cast<std::size_t>(rows);
    const Memory<Bf16> qkv(all * static_cast<std::size_t>(kShape.qkv_width()));
    const Memory<Bf16> out(all * static_cast<std::size_t>(kShape.query_width()));
    const Memory<std::int32_t> at(positions), pages(tables);
    r1::cuda::Scratch scratch;
    const double time = seconds([&](cudaStream_t stream) {
        for (std::size_t layer = 0; layer < kLayers; ++layer) {
            const std::size_t begin = layer % layers * one;
            r1::cuda::attention_cached<Bf16>(
                out.data(), qkv.data(), {keys.data() + begin, values.data() + begin, kPageTokens},
                {pages.data(), at.data(), stride, rows}, kShape, scratch, stream);
        }
    });
    const double bytes = 2.0 * static_cast<double>(total) * static_cast<double>(width) * 2;
    const double rate = kLayers * bytes / time;
    std::printf("%5d %8d %7s %12.2f %10.0f %9.2f\n", rows, tokens, vary ? "varied" : "equal",
                1e6 * time / kLayers, rate / 1e9, rate / limit);
}

}  // namespace

int main(int argc, char** argv) {
    const double limit = copy_bandwidth();
    std::printf("copy within the device: %.0f GB/s\n", limit / 1e9);
    std::printf(" rows   tokens lengths   us a layer       GB/s   of copy\n");
    if (argc == 3) {
        measure(std::atoi(argv[1]), std::atoi(argv[2]), false, limit);
        return 0;
    }
    for (const std::int32_t rows : {1, 8, 32, 128, 256}) {
        for (const std::int32_t tokens : {256, 1024, 4096}) {
            measure(rows, tokens, false, limit);
            if (rows > 1) measure(rows, tokens, true, limit);
        }
    }
    measure(1, 32768, false, limit);
    return 0;
}
