// SPDX-License-Identifier: Apache-2.0
// Sums and exchanges of tensors that lie in the memory of a rank's device. Three implementations:
// host memory over a Communicator, device memory staged through the host, and NCCL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "kernels/backend.h"
#include "mpi_runtime/comm/communicator.h"

namespace r1 {

enum class ValueType { kBfloat16, kFloat32, kFloat64 };
std::size_t bytes_of(ValueType type);

/// One group of ranks, each with the memory of its device. All ranks make the same calls in the
/// same order. Every call takes its place in the order of the device's work: it sees what the
/// device was asked to write before, and what the device is asked later sees its result; the host
/// may go on meanwhile (see wait()). Throws Error (kLibrary) when a library fails or a rank does
/// not come within the limit, with the names of those that did not; after that only
/// Communicator::abort() is useful.
///
/// begin_reduce() and begin_gather() may go on while the device does its later work, which is how
/// communication hides behind the backward and forward pass. `owners` there are the ranges of the
/// ranks in the flat buffer, as ParameterShards makes them: one behind the other, of any size. A
/// range may lie within one or span several. With two buffers, so that section s computes while
/// s + 1 comes in:
///
///     Ticket next = begin_gather(buffer[0], type, range(0), …);
///     for (s = 0; s < sections; ++s) {
///         finish(next);
///         if (s + 1 < sections) next = begin_gather(buffer[(s + 1) % 2], type, range(s + 1), …);
///         compute(buffer[s % 2]);
///     }
///
/// and for gradients, whose buffer may be written again when its last reduction is finished:
///
///     finish(pending[s % 2]); zero(buffer[s % 2]); compute(buffer[s % 2]);
///     pending[s % 2] = begin_reduce(buffer[s % 2], range(s), …);
///
/// A begin_* call waits for the work that the device was asked before it, and for nothing later:
/// begin a gather before the work that it is to hide behind.
class TensorGroup {
  public:
    /// Of a begin_* call; 0 is a ticket that is finished already.
    using Ticket = std::uint64_t;

    virtual ~TensorGroup() = default;
    virtual int rank() const = 0;
    virtual int size() const = 0;
    /// "self", "mpi", "mpi through the host", "nccl".
    virtual const char* name() const = 0;

    /// In place; the result has the same bits on every rank. Sums of bfloat16 are rounded once on
    /// the CPU, and as NCCL pleases on GPUs, where a maximum may drop a NaN.
    virtual void all_reduce(void* values, std::size_t count, ValueType type,
                            ReduceOp op = ReduceOp::kSum) = 0;
    /// As Communicator::reduce_scatter(). NCCL keeps to the order of the terms where
    /// TensorGroupOptions say so, or where a rank has several buffers; the own range of any of the
    /// buffers may be overwritten then.
    virtual void reduce_scatter(std::span<float* const> buffers, std::span<const SumTerm> terms,
                                std::span<const ValueRange> ranges) = 0;
    /// In place: every rank's ranges[r] of `values` comes to lie in everyone's.
    virtual void all_gather(void* values, ValueType type, std::span<const ValueRange> ranges) = 0;

    /// Sums the values of `range` over the ranks. gradients[0] is value range.first of this rank's
    /// addend, gradients[range.size() - 1] the last; own[0] is value owners[rank()].first, and the
    /// sum is added to what `own` has of the range by the time that the ticket is finished. Until
    /// then neither may be touched; what `gradients` holds after that is unspecified. On the CPU
    /// the addends of the ranks are summed in the tree of sum_of_ranks(); by NCCL in its own order,
    /// which is the same in every run on the same machines.
    virtual Ticket begin_reduce(float* gradients, ValueRange range,
                                std::span<const ValueRange> owners, float* own) = 0;
    /// Brings the values of `range` from their owners to every rank. own[0] is value
    /// owners[rank()].first, target[0] value range.first, both of `type`. Until the ticket is
    /// finished the target may not be touched and `own` not be written.
    virtual Ticket begin_gather(void* target, ValueType type, ValueRange range,
                                std::span<const ValueRange> owners, const void* own) = 0;
    /// The device's later work sees the result of the ticket's call and of all that were begun
    /// before it. Of a ticket that is finished: nothing.
    virtual void finish(Ticket ticket) = 0;
    /// All that were begun.
    virtual void finish() = 0;

    /// The host waits until the device has done all that it was asked, as Device::finish() does;
    /// but where a rank does not come, that would wait for ever, and this throws. So does the CUDA
    /// device wherever the host waits for it: its groups look on there.
    virtual void wait() = 0;
};

/// The order of a sum over the ranks, of one buffer each: the binary tree of sum_tree.h with a
/// shard a rank.
std::vector<SumTerm> sum_of_ranks(int ranks);

/// The device of a group's tensors, and how it adds floats: y += x.
struct TensorDevice {
    Device& device;
    std::function<void(float* y, const float* x, std::size_t count)> accumulate;
};
inline TensorDevice tensor_device(WideBackend<float>& backend) {
    return {backend, [&backend](float* y, const float* x, std::size_t count) {
                backend.accumulate(y, x, count);
            }};
}

struct TensorGroupOptions {
    /// For how long a rank may wait for the others in NCCL; at 0 for ever.
    double limit_seconds = 0;
    /// reduce_scatter() keeps to the order of its terms over NCCL too (deterministic: strict).
    bool sums_in_order = false;
};

struct ChosenTensorGroup {
    std::unique_ptr<TensorGroup> group;
    std::string why;  ///< one line for the log: which one, and why not a better one
};

/// Host memory: over `comm`. A GPU of its own for every rank, in a build with NCCL: NCCL, whose id
/// goes over `comm`. Otherwise through the host over `comm`. Collective; all ranks get the same
/// kind. Borrows `comm` and the device for as long as the group lives.
ChosenTensorGroup make_tensor_group(Communicator& comm, TensorDevice device,
                                    const TensorGroupOptions& options);

}  // namespace r1
