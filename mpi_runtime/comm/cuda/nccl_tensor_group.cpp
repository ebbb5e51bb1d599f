// SPDX-License-Identifier: Apache-2.0
#include <nccl.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "mpi_runtime/comm/cuda/handles.h"
#include "mpi_runtime/comm/cuda/nccl_library.h"
#include "mpi_runtime/comm/cuda/nccl_link.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/comm/ranges.h"
#include "mpi_runtime/comm/tensor_groups.h"

namespace r1 {

namespace {

/// Collectives that may be asked of the GPU and not be done. A rank that is far ahead of another so
/// waits here, where it is watched, and not for a place in CUDA's queue, where it is not.
constexpr std::size_t kAhead = 16;
/// Bytes of device memory for the parts of sums whose order is fixed.
constexpr std::size_t kPartsBytes = std::size_t{64} << 20;

ncclDataType_t nccl_type(ValueType type) {
    switch (type) {
        case ValueType::kBfloat16:
            return ncclBfloat16;
        case ValueType::kFloat32:
            return ncclFloat32;
        case ValueType::kFloat64:
            return ncclFloat64;
    }
    return ncclFloat32;
}

std::byte* at(void* values, std::size_t first, ValueType type) {
    return static_cast<std::byte*>(values) + first * bytes_of(type);
}

/// Device memory that grows.
class DeviceRoom {
  public:
    explicit DeviceRoom(Device& device) : device_(device) {}
    DeviceRoom(const DeviceRoom&) = delete;
    DeviceRoom& operator=(const DeviceRoom&) = delete;
    ~DeviceRoom() {
        if (floats_ != nullptr) device_.release(floats_);
    }
    float* reserve(std::size_t count) {
        if (count <= count_) return floats_;
        if (floats_ != nullptr) device_.release(std::exchange(floats_, nullptr));
        count_ = 0;
        floats_ = static_cast<float*>(device_.allocate(count * sizeof(float)));
        count_ = count;
        return floats_;
    }

  private:
    Device& device_;
    float* floats_ = nullptr;
    std::size_t count_ = 0;
};

class NcclTensorGroup final : public TensorGroup {
  public:
    NcclTensorGroup(Communicator& comm, TensorDevice device, DeviceQueue queue,
                    const TensorGroupOptions& options);
    NcclTensorGroup(const NcclTensorGroup&) = delete;
    NcclTensorGroup& operator=(const NcclTensorGroup&) = delete;
    ~NcclTensorGroup() override = default;

    int rank() const override { return comm_.rank(); }
    int size() const override { return comm_.size(); }
    const char* name() const override { return "nccl"; }

    void all_reduce(void* values, std::size_t count, ValueType type, ReduceOp op) override;
    void reduce_scatter(std::span<float* const> buffers, std::span<const SumTerm> terms,
                        std::span<const ValueRange> ranges) override;
    void all_gather(void* values, ValueType type, std::span<const ValueRange> ranges) override;
    Ticket begin_reduce(float* gradients, ValueRange range, std::span<const ValueRange> owners,
                        float* own) override;
    Ticket begin_gather(void* target, ValueType type, ValueRange range,
                        std::span<const ValueRange> owners, const void* own) override;
    void finish(Ticket ticket) override;
    void finish() override { finish(last_ticket_); }
    void wait() override;

  private:
    /// What was begun. Its sum, if any, is added to the target when it is finished.
    struct Begun {
        Ticket ticket = 0;
        std::unique_ptr<cuda::Event> end;
        float* target = nullptr;
        const float* sum = nullptr;
        std::size_t count = 0;
    };

    std::size_t self() const { return static_cast<std::size_t>(rank()); }
    bool recording() const;
    bool under_way() const;
    template <class Calls>
    void collective(const char* what, cudaStream_t stream, const Calls& calls);
    void sum_parts(float* values, std::span<const ValueRange> parts, cudaStream_t stream);
    void sum_in_order(std::span<float* const> buffers, std::span<const SumTerm> terms,
                      std::span<const ValueRange> ranges);
    void exchange_pieces(std::span<float* const> buffers, std::span<const SumTerm> terms,
                         std::span<const ValueRange> pieces, float* room, std::size_t step);
    void follow_device();
    Ticket begun(float* target, const float* sum, std::size_t count);

    Communicator& comm_;
    TensorDevice device_;
    DeviceWatches& watches_;
    cudaStream_t compute_;
    TensorGroupOptions options_;
    cuda::SideStream side_;
    cuda::Event ready_;    // on compute_, before what is begun
    cuda::Event drained_;  // on compute_, in wait()
    std::array<cuda::Event, kAhead> ends_;
    std::size_t next_end_ = 0;
    bool recorded_ = false;  // the device may do collectives again of which nothing is known here
    std::deque<Begun> begun_;
    std::vector<std::unique_ptr<cuda::Event>> spare_;
    Ticket last_ticket_ = 0;
    DeviceRoom room_;  // of sum_in_order()
    NcclLink link_;    // ends first: until then the GPU may work
};

NcclTensorGroup::NcclTensorGroup(Communicator& comm, TensorDevice device, DeviceQueue queue,
                                 const TensorGroupOptions& options)
    : comm_(comm),
      device_(std::move(device)),
      watches_(queue.watches),
      compute_(static_cast<cudaStream_t>(queue.stream)),
      options_(options),
      room_(device_.device),
      link_(comm, watches_, options.limit_seconds, [this] { return under_way(); }) {
    // The first call connects the ranks, which must not come in the middle of a recording.
    all_reduce(room_.reserve(1), 1, ValueType::kFloat32, ReduceOp::kSum);
    wait();
}

/// What is asked of the device now is recorded (Device::replay()) and not done.
bool NcclTensorGroup::recording() const {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    cuda::check(cudaStreamIsCapturing(compute_, &status), "cudaStreamIsCapturing");
    return status != cudaStreamCaptureStatusNone;
}

/// Whether a collective of this group may have yet to end.
bool NcclTensorGroup::under_way() const {
    // Events cannot be asked then, and the host waits for a call of a group alone.
    if (recording()) return true;
    const auto passed = [](const cuda::Event& end) { return end.passed(); };
    if (!std::all_of(ends_.begin(), ends_.end(), passed)) return true;
    return recorded_ && !cuda::is_done(compute_);
}

template <class Calls>
void NcclTensorGroup::collective(const char* what, cudaStream_t stream, const Calls& calls) {
    const CollectiveCall call;
    link_.enter(what);
    const bool now = !recording();
    cuda::Event& end = ends_[next_end_];
    if (now) watches_.wait_until([&] { return end.passed(); });
    link_.call(calls);
    recorded_ = recorded_ || !now;
    if (!now) return;
    end.record(stream);
    next_end_ = (next_end_ + 1) % kAhead;
}

void NcclTensorGroup::all_reduce(void* values, std::size_t count, ValueType type, ReduceOp op) {
    collective("all_reduce", compute_, [&] {
        link_.check(
            nccl().all_reduce(values, values, count, nccl_type(type),
                              op == ReduceOp::kSum ? ncclSum : ncclMax, link_.get(), compute_),
            "ncclAllReduce");
    });
}

/// Each rank's part of `values` becomes its sum over the ranks, in place.
void NcclTensorGroup::sum_parts(float* values, std::span<const ValueRange> parts,
                                cudaStream_t stream) {
    if (const auto equal = equal_parts(parts); equal && *equal > 0) {
        link_.check(nccl().reduce_scatter(values + parts[0].first, values + parts[self()].first,
                                          *equal, ncclFloat32, ncclSum, link_.get(), stream),
                    "ncclReduceScatter");
        return;
    }
    for (int root = 0; root < size(); ++root) {
        const ValueRange& part = parts[static_cast<std::size_t>(root)];
        if (part.size() == 0) continue;
        link_.check(nccl().reduce(values + part.first, values + part.first, part.size(),
                                  ncclFloat32, ncclSum, root, link_.get(), stream),
                    "ncclReduce");
    }
}

void NcclTensorGroup::reduce_scatter(std::span<float* const> buffers,
                                     std::span<const SumTerm> terms,
                                     std::span<const ValueRange> ranges) {
    if (terms.empty()) return;
    const bool one_each = terms.size() == static_cast<std::size_t>(size());
    if (options_.sums_in_order || !one_each) return sum_in_order(buffers, terms, ranges);
    collective("reduce_scatter", compute_, [&] { sum_parts(buffers[0], ranges, compute_); });
}

/// Every rank sends the others their piece of each of its buffers, and adds its own itself.
void NcclTensorGroup::exchange_pieces(std::span<float* const> buffers,
                                      std::span<const SumTerm> terms,
                                      std::span<const ValueRange> pieces, float* room,
                                      std::size_t step) {
    for (std::size_t i = 0; i < terms.size(); ++i) {
        const SumTerm& term = terms[i];
        for (int to = 0; term.rank == rank() && to < size(); ++to) {
            const ValueRange& piece = pieces[static_cast<std::size_t>(to)];
            if (to == rank() || piece.size() == 0) continue;
            const float* const buffer = buffers[static_cast<std::size_t>(term.buffer)];
            link_.check(nccl().send(buffer + piece.first, piece.size(), ncclFloat32, to,
                                    link_.get(), compute_),
                        "ncclSend");
        }
        const std::size_t own = pieces[self()].size();
        if (term.rank != rank() && own > 0)
            link_.check(
                nccl().receive(room + i * step, own, ncclFloat32, term.rank, link_.get(), compute_),
                "ncclRecv");
    }
}

void NcclTensorGroup::sum_in_order(std::span<float* const> buffers, std::span<const SumTerm> terms,
                                   std::span<const ValueRange> ranges) {
    const std::size_t most = std::max<std::size_t>(kPartsBytes / sizeof(float) / terms.size(), 1);
    const std::size_t step = std::min(most, std::max<std::size_t>(longest(ranges), 1));
    float* const room = room_.reserve(step * terms.size());
    for (std::size_t done = 0; done < longest(ranges); done += step) {
        std::vector<ValueRange> pieces;
        for (const ValueRange& range : ranges) pieces.push_back(piece_at(range, done, step));
        collective("reduce_scatter", compute_,
                   [&] { exchange_pieces(buffers, terms, pieces, room, step); });
        const ValueRange& own = pieces[self()];
        std::vector<float*> parts;
        for (std::size_t i = 0; i < terms.size(); ++i)
            parts.push_back(terms[i].rank == rank()
                                ? buffers[static_cast<std::size_t>(terms[i].buffer)] + own.first
                                : room + i * step);
        float* const sum = add_terms_on(device_, terms, parts, own.size());
        if (sum != buffers[0] + own.first && own.size() > 0)
            device_.device.copy(buffers[0] + own.first, sum, own.size() * sizeof(float));
    }
}

void NcclTensorGroup::all_gather(void* values, ValueType type, std::span<const ValueRange> ranges) {
    collective("all_gather", compute_, [&] {
        if (const auto equal = equal_parts(ranges); equal && *equal > 0) {
            link_.check(nccl().all_gather(at(values, ranges[self()].first, type),
                                          at(values, ranges[0].first, type), *equal,
                                          nccl_type(type), link_.get(), compute_),
                        "ncclAllGather");
            return;
        }
        for (int root = 0; root < size(); ++root) {
            const ValueRange& range = ranges[static_cast<std::size_t>(root)];
            if (range.size() == 0) continue;
            std::byte* const part = at(values, range.first, type);
            link_.check(nccl().broadcast(part, part, range.size(), nccl_type(type), root,
                                         link_.get(), compute_),
                        "ncclBroadcast");
        }
    });
}

/// What is begun next waits for what the device was asked so far.
void NcclTensorGroup::follow_device() {
    ready_.record(compute_);
    ready_.hold(side_.get());
}

TensorGroup::Ticket NcclTensorGroup::begun(float* target, const float* sum, std::size_t count) {
    if (spare_.empty()) spare_.push_back(std::make_unique<cuda::Event>());
    std::unique_ptr<cuda::Event> end = std::move(spare_.back());
    spare_.pop_back();
    end->record(side_.get());
    begun_.push_back({++last_ticket_, std::move(end), target, sum, count});
    return last_ticket_;
}

TensorGroup::Ticket NcclTensorGroup::begin_reduce(float* gradients, ValueRange range,
                                                  std::span<const ValueRange> owners, float* own) {
    const std::vector<ValueRange> parts = parts_of(range, owners);
    follow_device();
    collective("begin_reduce", side_.get(), [&] { sum_parts(gradients, parts, side_.get()); });
    const ValueRange& part = parts[self()];
    if (part.size() == 0) return begun(nullptr, nullptr, 0);
    return begun(own + (range.first + part.first - owners[self()].first), gradients + part.first,
                 part.size());
}

TensorGroup::Ticket NcclTensorGroup::begin_gather(void* target, ValueType type, ValueRange range,
                                                  std::span<const ValueRange> owners,
                                                  const void* own) {
    const std::vector<ValueRange> parts = parts_of(range, owners);
    const ValueRange& mine = parts[self()];
    const std::byte* source = nullptr;
    if (mine.size() > 0)
        source = static_cast<const std::byte*>(own) +
                 (range.first + mine.first - owners[self()].first) * bytes_of(type);
    follow_device();
    collective("begin_gather", side_.get(), [&] {
        if (const auto equal = equal_parts(parts); equal && *equal > 0) {
            link_.check(nccl().all_gather(source, at(target, parts[0].first, type), *equal,
                                          nccl_type(type), link_.get(), side_.get()),
                        "ncclAllGather");
            return;
        }
        for (int root = 0; root < size(); ++root) {
            const ValueRange& part = parts[static_cast<std::size_t>(root)];
            if (part.size() == 0) continue;
            std::byte* const place = at(target, part.first, type);
            link_.check(nccl().broadcast(root == rank() ? source : place, place, part.size(),
                                         nccl_type(type), root, link_.get(), side_.get()),
                        "ncclBroadcast");
        }
    });
    return begun(nullptr, nullptr, 0);
}

void NcclTensorGroup::finish(Ticket ticket) {
    if (begun_.empty() || begun_.front().ticket > ticket) return;
    auto last = std::find_if(begun_.begin(), begun_.end(),
                             [&](const Begun& begun) { return begun.ticket > ticket; });
    // One stream, one order: the last one's end is the end of all.
    (last - 1)->end->hold(compute_);
    for (auto begun = begun_.begin(); begun != last; ++begun) {
        if (begun->count > 0) device_.accumulate(begun->target, begun->sum, begun->count);
        spare_.push_back(std::move(begun->end));
    }
    begun_.erase(begun_.begin(), last);
}

void NcclTensorGroup::wait() {
    if (recording()) return;
    drained_.record(compute_);
    watches_.wait_until([this] { return drained_.passed(); });
}

}  // namespace

std::string nccl_version() {
    int version = 0;
    const ncclResult_t code = nccl().get_version(&version);
    if (code != ncclSuccess)
        throw_library_error("NCCL", "ncclGetVersion", nccl().get_error_string(code));
    return std::to_string(version / 10'000) + "." + std::to_string(version / 100 % 100) + "." +
           std::to_string(version % 100);
}

std::unique_ptr<TensorGroup> make_nccl_tensor_group(Communicator& comm, TensorDevice device,
                                                    DeviceQueue queue,
                                                    const TensorGroupOptions& options) {
    return std::make_unique<NcclTensorGroup>(comm, std::move(device), queue, options);
}

}  // namespace r1
