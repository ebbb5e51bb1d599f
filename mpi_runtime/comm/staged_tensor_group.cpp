// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "mpi_runtime/comm/ranges.h"
#include "mpi_runtime/comm/tensor_groups.h"

namespace r1 {

namespace {

/// Bytes of host memory that a call uses at a time, at most.
constexpr std::size_t kStagedBytes = std::size_t{32} << 20;

class StagedTensorGroup final : public TensorGroup {
  public:
    StagedTensorGroup(Communicator& comm, TensorDevice device)
        : comm_(comm), device_(std::move(device)), host_(make_host_tensor_group(comm)) {}

    int rank() const override { return comm_.rank(); }
    int size() const override { return comm_.size(); }
    const char* name() const override { return "mpi through the host"; }

    void all_reduce(void* values, std::size_t count, ValueType type, ReduceOp op) override;
    void reduce_scatter(std::span<float* const> buffers, std::span<const SumTerm> terms,
                        std::span<const ValueRange> ranges) override;
    void all_gather(void* values, ValueType type, std::span<const ValueRange> ranges) override;
    Ticket begin_reduce(float* gradients, ValueRange range, std::span<const ValueRange> owners,
                        float* own) override;
    Ticket begin_gather(void* target, ValueType type, ValueRange range,
                        std::span<const ValueRange> owners, const void* own) override;
    void finish(Ticket) override {}
    void finish() override {}
    void wait() override { device_.device.finish(); }

  private:
    std::size_t self() const { return static_cast<std::size_t>(rank()); }
    /// Host memory of so many bytes, until the next call.
    std::byte* stage(std::size_t bytes) {
        if (staged_.size() < bytes) staged_.resize(bytes);
        return staged_.data();
    }

    Communicator& comm_;
    TensorDevice device_;
    std::unique_ptr<TensorGroup> host_;
    std::vector<std::byte> staged_;
};

/// Values of each of `count` pieces that are staged at a time. The same on every rank.
std::size_t staged_values(std::size_t count, std::size_t value_bytes) {
    return std::max<std::size_t>(kStagedBytes / std::max<std::size_t>(count, 1) / value_bytes, 1);
}

/// The ranges' pieces, laid out on the host with the same room for each.
std::vector<ValueRange> staged_pieces(std::span<const ValueRange> ranges, std::size_t done,
                                      std::size_t step) {
    std::vector<ValueRange> pieces;
    for (std::size_t i = 0; i < ranges.size(); ++i)
        pieces.push_back({i * step, i * step + piece_at(ranges[i], done, step).size()});
    return pieces;
}

void StagedTensorGroup::all_reduce(void* values, std::size_t count, ValueType type, ReduceOp op) {
    const std::size_t bytes = bytes_of(type);
    const std::size_t step = staged_values(1, bytes);
    for (std::size_t done = 0; done < count; done += step) {
        const std::size_t now = std::min(step, count - done);
        std::byte* const host = stage(now * bytes);
        std::byte* const device = static_cast<std::byte*>(values) + done * bytes;
        device_.device.to_host(host, device, now * bytes);
        host_->all_reduce(host, now, type, op);
        device_.device.to_device(device, host, now * bytes);
    }
}

void StagedTensorGroup::reduce_scatter(std::span<float* const> buffers,
                                       std::span<const SumTerm> terms,
                                       std::span<const ValueRange> ranges) {
    if (terms.empty()) return;
    const std::size_t step = staged_values(terms.size(), sizeof(float));
    for (std::size_t done = 0; done < longest(ranges); done += step) {
        auto* const host =
            reinterpret_cast<float*>(stage(buffers.size() * ranges.size() * step * sizeof(float)));
        std::vector<float*> staged;
        for (std::size_t i = 0; i < buffers.size(); ++i) {
            staged.push_back(host + i * ranges.size() * step);
            for (std::size_t to = 0; to < ranges.size(); ++to) {
                const ValueRange piece = piece_at(ranges[to], done, step);
                if (piece.size() > 0)
                    device_.device.to_host(staged[i] + to * step, buffers[i] + piece.first,
                                           piece.size() * sizeof(float));
            }
        }
        host_->reduce_scatter(staged, terms, staged_pieces(ranges, done, step));
        const ValueRange own = piece_at(ranges[self()], done, step);
        if (own.size() > 0)
            device_.device.to_device(buffers[0] + own.first, host + self() * step,
                                     own.size() * sizeof(float));
    }
}

void StagedTensorGroup::all_gather(void* values, ValueType type,
                                   std::span<const ValueRange> ranges) {
    const std::size_t bytes = bytes_of(type);
    const std::size_t step = staged_values(ranges.size(), bytes);
    for (std::size_t done = 0; done < longest(ranges); done += step) {
        std::byte* const host = stage(ranges.size() * step * bytes);
        const auto place = [&](std::size_t rank) {
            return static_cast<std::byte*>(values) +
                   piece_at(ranges[rank], done, step).first * bytes;
        };
        const std::vector<ValueRange> pieces = staged_pieces(ranges, done, step);
        const auto at = [&](std::size_t rank) { return host + pieces[rank].first * bytes; };
        if (pieces[self()].size() > 0)
            device_.device.to_host(at(self()), place(self()), pieces[self()].size() * bytes);
        host_->all_gather(host, type, pieces);
        for (std::size_t rank = 0; rank < ranges.size(); ++rank)
            if (rank != self() && pieces[rank].size() > 0)
                device_.device.to_device(place(rank), at(rank), pieces[rank].size() * bytes);
    }
}

TensorGroup::Ticket StagedTensorGroup::begin_reduce(float* gradients, ValueRange range,
                                                    std::span<const ValueRange> owners,
                                                    float* own) {
    const std::vector<ValueRange> parts = parts_of(range, owners);
    const std::size_t step = staged_values(1, sizeof(float));
    const std::vector<SumTerm> terms = sum_of_ranks(size());
    for (std::size_t done = 0; done < range.size(); done += step) {
        const ValueRange window = piece_at({0, range.size()}, done, step);
        auto* const host = reinterpret_cast<float*>(stage(window.size() * sizeof(float)));
        device_.device.to_host(host, gradients + done, window.size() * sizeof(float));
        const std::vector<ValueRange> pieces = parts_of(window, parts);
        host_->reduce_scatter({&host, 1}, terms, pieces);
        const ValueRange& piece = pieces[self()];
        if (piece.size() == 0) continue;
        float* const sum = gradients + done + piece.first;
        device_.device.to_device(sum, host + piece.first, piece.size() * sizeof(float));
        device_.accumulate(own + (range.first + done + piece.first - owners[self()].first), sum,
                           piece.size());
    }
    return 0;
}

TensorGroup::Ticket StagedTensorGroup::begin_gather(void* target, ValueType type, ValueRange range,
                                                    std::span<const ValueRange> owners,
                                                    const void* own) {
    const std::size_t bytes = bytes_of(type);
    const std::vector<ValueRange> parts = parts_of(range, owners);
    const std::size_t step = staged_values(1, bytes);
    for (std::size_t done = 0; done < range.size(); done += step) {
        const ValueRange window = piece_at({0, range.size()}, done, step);
        std::byte* const host = stage(window.size() * bytes);
        const std::vector<ValueRange> pieces = parts_of(window, parts);
        const ValueRange& piece = pieces[self()];
        if (piece.size() > 0) {
            const std::size_t first = range.first + done + piece.first - owners[self()].first;
            device_.device.to_host(host + piece.first * bytes,
                                   static_cast<const std::byte*>(own) + first * bytes,
                                   piece.size() * bytes);
        }
        host_->all_gather(host, type, pieces);
        device_.device.to_device(static_cast<std::byte*>(target) + done * bytes, host,
                                 window.size() * bytes);
    }
    return 0;
}

}  // namespace

std::unique_ptr<TensorGroup> make_staged_tensor_group(Communicator& comm, TensorDevice device) {
    return std::make_unique<StagedTensorGroup>(comm, std::move(device));
}

}  // namespace r1
