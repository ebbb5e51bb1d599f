// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "mpi_runtime/comm/tensor_groups.h"

namespace r1 {

namespace {

class LocalTensorGroup final : public TensorGroup {
  public:
    explicit LocalTensorGroup(TensorDevice device) : device_(std::move(device)) {}

    int rank() const override { return 0; }
    int size() const override { return 1; }
    const char* name() const override { return "self"; }

    void all_reduce(void*, std::size_t, ValueType, ReduceOp) override {}
    void reduce_scatter(std::span<float* const> buffers, std::span<const SumTerm> terms,
                        std::span<const ValueRange> ranges) override {
        if (terms.empty() || ranges[0].size() == 0) return;
        std::vector<float*> parts;
        for (const SumTerm& term : terms)
            parts.push_back(buffers[static_cast<std::size_t>(term.buffer)] + ranges[0].first);
        float* const target = buffers[0] + ranges[0].first;
        float* const sum = add_terms_on(device_, terms, parts, ranges[0].size());
        if (sum != target) device_.device.copy(target, sum, ranges[0].size() * sizeof(float));
    }
    void all_gather(void*, ValueType, std::span<const ValueRange>) override {}

    Ticket begin_reduce(float* gradients, ValueRange range, std::span<const ValueRange> owners,
                        float* own) override {
        if (range.size() > 0)
            device_.accumulate(own + (range.first - owners[0].first), gradients, range.size());
        return 0;
    }
    Ticket begin_gather(void* target, ValueType type, ValueRange range,
                        std::span<const ValueRange> owners, const void* own) override {
        const std::size_t first = (range.first - owners[0].first) * bytes_of(type);
        if (range.size() > 0)
            device_.device.copy(target, static_cast<const std::byte*>(own) + first,
                                range.size() * bytes_of(type));
        return 0;
    }
    void finish(Ticket) override {}
    void finish() override {}
    void wait() override { device_.device.finish(); }

  private:
    TensorDevice device_;
};

}  // namespace

std::unique_ptr<TensorGroup> make_local_tensor_group(TensorDevice device) {
    return std::make_unique<LocalTensorGroup>(std::move(device));
}

}  // namespace r1
