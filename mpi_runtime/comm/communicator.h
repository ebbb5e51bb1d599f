// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace r1 {

enum class ReduceOp { kSum, kMax };

/// One group of ranks. All ranks make the same calls in the same order; every call but rank(),
/// size() and abort() is collective. Buffers are host memory for the self and MPI implementations.
/// Throws Error (kLibrary) when the library fails; after that only abort() is useful.
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
    /// Each rank's bytes, by rank; the sizes may differ.
    virtual std::vector<std::string> all_gather(std::string_view bytes) = 0;

    /// Ends the job on every rank at once: the only safe answer to an exception on one of them.
    [[noreturn]] virtual void abort(int exit_code) noexcept = 0;
};

/// A group of one, without any library.
std::unique_ptr<Communicator> make_self_communicator();

/// MPI_COMM_WORLD, duplicated, so that our messages never mix with others'. Initialises MPI
/// (funneled: only the main thread calls) and finalises it when destroyed, unless an exception is
/// in flight, in which case finalising could block for ever. Make at most one.
std::unique_ptr<Communicator> make_mpi_communicator();

/// The MPI group when a launcher started this process, otherwise the group of one.
std::unique_ptr<Communicator> make_world_communicator();

}  // namespace r1
