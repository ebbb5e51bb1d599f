// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mpi_runtime/comm/value_range.h"

namespace r1 {

enum class ReduceOp { kSum, kMax };

/// One term of a sum whose order is fixed. The terms are taken one after the other, and after each
/// the two last of what there is are added `joins` times: {0, 0, 1} is a sum from the left, and
/// {0, 1, 0, 2} is (a + b) + (c + d). At the end one is left.
struct SumTerm {
    int rank = 0;
    int buffer = 0;  ///< of that rank's buffers
    int joins = 0;
    friend bool operator==(const SumTerm&, const SumTerm&) = default;
};

/// One group of ranks. All ranks make the same calls in the same order; every call but rank(),
/// size(), the roll call and abort() is collective. Buffers are host memory for the self and MPI
/// implementations. Throws Error (kLibrary) when the library fails; after that only abort() is
/// useful.
class Communicator {
  public:
    virtual ~Communicator() = default;
    virtual int rank() const = 0;
    virtual int size() const = 0;
    virtual const char* name() const = 0;

    virtual void barrier() = 0;
    virtual void broadcast(void* data, std::size_t bytes, int root) = 0;
    /// In place. The result has the same bits on every rank, and in every run with as many ranks.
    virtual void all_reduce(float* values, std::size_t count, ReduceOp op) = 0;
    virtual void all_reduce(double* values, std::size_t count, ReduceOp op) = 0;
    virtual void all_reduce(std::int64_t* values, std::size_t count, ReduceOp op) = 0;
    /// Rank r's range, ranges[r], of the sum of the ranks' buffers in the order of `terms`; it
    /// comes to lie in the rank's own buffers[0], the rest of which stays as it is. Every rank
    /// passes the same ranges, which do not overlap, and the same terms. Without terms nothing is
    /// done.
    virtual void reduce_scatter(std::span<float* const> buffers, std::span<const SumTerm> terms,
                                std::span<const ValueRange> ranges) = 0;
    /// In place: every rank's ranges[r] of `values`, which have so many bytes each, comes to lie in
    /// everyone's.
    virtual void all_gather_ranges(void* values, std::size_t value_bytes,
                                   std::span<const ValueRange> ranges) = 0;
    void all_gather(float* values, std::span<const ValueRange> ranges) {
        all_gather_ranges(values, sizeof(float), ranges);
    }
    /// Each rank's bytes, by rank; the sizes may differ.
    virtual std::vector<std::string> all_gather(std::string_view bytes) = 0;

    /// The ranks that pass the same color form a group of their own, ordered by key and then by
    /// rank here. Must be destroyed before this one.
    virtual std::unique_ptr<Communicator> split(int color, int key) = 0;

    /// Whether another rank has called the roll; asked when this one's last call is over. This and
    /// the next two are not collective and never wait.
    virtual bool roll_called() = 0;
    /// Sends `answer` to all others. Who sees that the roll was called calls it once as well. The
    /// call is over when all have answered; when one does not the job has to end.
    virtual void call_roll(std::string_view answer) = 0;
    /// What the ranks answered so far, by rank; nullopt for those that did not call the roll too.
    virtual std::vector<std::optional<std::string>> roll_answers() = 0;

    /// Ends the job on every rank at once: the only safe answer to an exception on one of them.
    [[noreturn]] virtual void abort(int exit_code) noexcept = 0;
};

/// target = the sum of the terms, whose values lie at parts[0], parts[1], …; the target may be one
/// of them. Every value is added in the order of the terms, wherever it lies.
void add_terms(float* target, std::span<const SumTerm> terms, std::span<const float* const> parts,
               std::size_t count);

/// A group of one, without any library.
std::unique_ptr<Communicator> make_self_communicator();

/// MPI_COMM_WORLD, duplicated, so that our messages never mix with others'. Initialises MPI
/// (funneled: only the main thread calls) and finalises it when destroyed, unless an exception is
/// in flight, in which case finalising could block for ever. Make at most one.
std::unique_ptr<Communicator> make_mpi_communicator();

/// The MPI group when a launcher started this process, otherwise the group of one.
std::unique_ptr<Communicator> make_world_communicator();

}  // namespace r1
