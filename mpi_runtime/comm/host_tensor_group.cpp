// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "common/bfloat16.h"
#include "mpi_runtime/comm/ranges.h"
#include "mpi_runtime/comm/tensor_groups.h"

namespace r1 {

namespace {

/// Values of bfloat16 that are widened at a time.
constexpr std::size_t kWidened = std::size_t{1} << 20;

class HostTensorGroup final : public TensorGroup {
  public:
    explicit HostTensorGroup(Communicator& comm)
        : comm_(comm), sum_over_ranks_(sum_of_ranks(comm.size())) {}

    int rank() const override { return comm_.rank(); }
    int size() const override { return comm_.size(); }
    const char* name() const override { return comm_.name(); }

    void all_reduce(void* values, std::size_t count, ValueType type, ReduceOp op) override {
        switch (type) {
            case ValueType::kBfloat16:
                return all_reduce_bfloat16(static_cast<Bf16*>(values), count, op);
            case ValueType::kFloat32:
                return comm_.all_reduce(static_cast<float*>(values), count, op);
            case ValueType::kFloat64:
                return comm_.all_reduce(static_cast<double*>(values), count, op);
        }
    }
    void reduce_scatter(std::span<float* const> buffers, std::span<const SumTerm> terms,
                        std::span<const ValueRange> ranges) override {
        comm_.reduce_scatter(buffers, terms, ranges);
    }
    void all_gather(void* values, ValueType type, std::span<const ValueRange> ranges) override {
        comm_.all_gather_ranges(values, bytes_of(type), ranges);
    }

    Ticket begin_reduce(float* gradients, ValueRange range, std::span<const ValueRange> owners,
                        float* own) override {
        const std::vector<ValueRange> parts = parts_of(range, owners);
        comm_.reduce_scatter({&gradients, 1}, sum_over_ranks_, parts);
        const auto self = static_cast<std::size_t>(rank());
        if (parts[self].size() == 0) return 0;
        float* const target = own + (range.first + parts[self].first - owners[self].first);
        const float* const sum = gradients + parts[self].first;
        for (std::size_t i = 0; i < parts[self].size(); ++i) target[i] += sum[i];
        return 0;
    }
    Ticket begin_gather(void* target, ValueType type, ValueRange range,
                        std::span<const ValueRange> owners, const void* own) override {
        const std::size_t bytes = bytes_of(type);
        const std::vector<ValueRange> parts = parts_of(range, owners);
        const auto self = static_cast<std::size_t>(rank());
        if (parts[self].size() > 0) {
            const std::size_t first = range.first + parts[self].first - owners[self].first;
            std::memcpy(static_cast<std::byte*>(target) + parts[self].first * bytes,
                        static_cast<const std::byte*>(own) + first * bytes,
                        parts[self].size() * bytes);
        }
        comm_.all_gather_ranges(target, bytes, parts);
        return 0;
    }
    void finish(Ticket) override {}
    void finish() override {}
    void wait() override {}

  private:
    void all_reduce_bfloat16(Bf16* values, std::size_t count, ReduceOp op) {
        std::vector<float> wide(std::min(count, kWidened));
        for (std::size_t first = 0; first < count; first += kWidened) {
            const std::size_t now = std::min(kWidened, count - first);
            for (std::size_t i = 0; i < now; ++i) wide[i] = static_cast<float>(values[first + i]);
            comm_.all_reduce(wide.data(), now, op);
            for (std::size_t i = 0; i < now; ++i) values[first + i] = Bf16(wide[i]);
        }
    }

    Communicator& comm_;
    std::vector<SumTerm> sum_over_ranks_;
};

}  // namespace

std::unique_ptr<TensorGroup> make_host_tensor_group(Communicator& comm) {
    return std::make_unique<HostTensorGroup>(comm);
}

}  // namespace r1
