// SPDX-License-Identifier: Apache-2.0
// How fast tensors move between the ranks: mpirun -np N r1_bench_nccl. On GPUs where there are any
// (by NCCL where every rank has one of its own), else in host memory. Bus bandwidth is what every
// rank sends in a second, as NVIDIA's nccl-tests count it: bytes x (n - 1) / n, twice for
// all_reduce.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>

#include "common/gpu_inventory.h"
#include "common/time.h"
#include "mpi_runtime/comm/launched.h"
#include "mpi_runtime/comm/tensor_group.h"

namespace {

using namespace r1;

constexpr int kCalls = 20;
constexpr int kRounds = 5;
constexpr std::size_t kMostValues = std::size_t{64} << 20;

std::unique_ptr<Backend<float>> make_backend() {
    const std::vector<Gpu> gpus = list_gpus();
    if (gpus.empty()) return make_cpu_backend(1);
    return make_cuda_backend<float>(local_rank() % static_cast<int>(gpus.size()));
}

class Bench {
  public:
    Bench(Communicator& comm, Device& device, TensorGroup& group)
        : comm_(comm),
          device_(device),
          group_(group),
          values_(static_cast<float*>(device.allocate(kMostValues * sizeof(float)))),
          own_(static_cast<float*>(device.allocate(kMostValues * sizeof(float)))) {}
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() {
        device_.release(values_);
        device_.release(own_);
    }

    void measure(std::size_t count, bool equal) {
        const std::vector<ValueRange> ranges = cut(count, equal);
        const std::vector<SumTerm> terms = sum_of_ranks(comm_.size());
        report("all_reduce", count, 2,
               [&] { group_.all_reduce(values_, count, ValueType::kFloat32); });
        report("reduce_scatter", count, 1, [&] {
            group_.reduce_scatter({&values_, 1}, terms, ranges);
        });
        report("all_gather", count, 1,
               [&] { group_.all_gather(values_, ValueType::kFloat32, ranges); });
        report("begin_reduce", count, 1, [&] {
            group_.finish(group_.begin_reduce(values_, {0, count}, ranges, own_));
        });
        report("begin_gather", count, 1, [&] {
            group_.finish(
                group_.begin_gather(values_, ValueType::kFloat32, {0, count}, ranges, own_));
        });
    }

  private:
    std::vector<ValueRange> cut(std::size_t count, bool equal) const {
        const auto ranks = static_cast<std::size_t>(comm_.size());
        std::vector<ValueRange> ranges;
        for (std::size_t i = 0; i < ranks; ++i) ranges.push_back({i * count / ranks, 0});
        // As owners of whole cells have them.
        for (std::size_t i = 1; i < ranks && !equal; ++i) ranges[i].first += 64 * i;
        for (std::size_t i = 0; i < ranks; ++i)
            ranges[i].last = i + 1 < ranks ? ranges[i + 1].first : count;
        return ranges;
    }

    void report(const char* call, std::size_t count, int passes,
                const std::function<void()>& work) {
        std::vector<double> seconds;
        work();
        for (int round = 0; round < kRounds; ++round) {
            group_.wait();
            comm_.barrier();
            const double start = monotonic_seconds();
            for (int i = 0; i < kCalls; ++i) work();
            group_.wait();
            seconds.push_back((monotonic_seconds() - start) / kCalls);
        }
        std::sort(seconds.begin(), seconds.end());
        const double time = seconds[kRounds / 2];
        const double bytes = static_cast<double>(count) * sizeof(float);
        const double sent = passes * bytes * (comm_.size() - 1) / comm_.size();
        if (comm_.rank() == 0)
            std::printf("%-15s %8.2f %10.3f %10.1f\n", call, bytes / (1 << 20), 1e3 * time,
                        sent / time / 1e9);
    }

    Communicator& comm_;
    Device& device_;
    TensorGroup& group_;
    float* values_;
    float* own_;
};

void run() {
    const auto comm = make_world_communicator();
    const auto backend = make_backend();
    const ChosenTensorGroup chosen = make_tensor_group(*comm, tensor_device(*backend), {});
    if (comm->rank() == 0)
        std::printf("%d ranks, %s; %s\n", comm->size(), backend->name(), chosen.why.c_str());
    Bench bench(*comm, *backend, *chosen.group);
    for (const bool equal : {true, false}) {
        if (comm->rank() == 0)
            std::printf("\n%s ranges\ncall                 MiB         ms   bus GB/s\n",
                        equal ? "equal" : "unequal");
        for (std::size_t count = std::size_t{1} << 18; count <= kMostValues; count *= 16)
            bench.measure(count, equal);
    }
}

}  // namespace

int main() {
    try {
        run();
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "r1_bench_nccl: %s\n", error.what());
        return 4;
    }
}
