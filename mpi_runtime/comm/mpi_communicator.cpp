// SPDX-License-Identifier: Apache-2.0
#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <type_traits>

#include "common/error.h"
#include "mpi_runtime/comm/communicator.h"
#include "mpi_runtime/comm/mpi_check.h"
#include "mpi_runtime/comm/mpi_roll_call.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/comm/ranges.h"

namespace r1 {

namespace {

/// Bytes in one step of an all-reduce: larger ones fall out of the cache, and smaller pieces a rank
/// cost more in latency than they move.
constexpr std::size_t kChunkBytes = std::size_t{2} << 20;
constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
/// Up to here, gathering everything everywhere is quicker than two exchanges.
constexpr std::size_t kSmallBytes = std::size_t{4} << 10;
/// Scratch for gathering everything: hundreds of ranks gather in parts.
constexpr std::size_t kGatheredBytes = std::size_t{512} << 10;
/// Bytes moved by one call of broadcast and all_gather. MPI counts with an int, so that it must
/// stay below 2 GiB.
constexpr std::size_t kLargestCallBytes = std::size_t{64} << 20;

constexpr int kTag = 0;  // the roll call's messages have 1

MPI_Datatype mpi_type(float) {
    return MPI_FLOAT;
}
MPI_Datatype mpi_type(double) {
    return MPI_DOUBLE;
}
MPI_Datatype mpi_type(std::int64_t) {
    return MPI_INT64_T;
}

template <class T>
bool is_nan(T value) {
    if constexpr (std::is_floating_point_v<T>) return std::isnan(value);
    return false;
}

/// values = parts[0] op parts[1] op …, in that order; a NaN stays a NaN in a maximum.
template <class T>
void fold(T* values, const T* parts, std::size_t count, std::size_t part_count, ReduceOp op) {
    std::copy_n(parts, count, values);
    for (std::size_t part = 1; part < part_count; ++part) {
        const T* other = parts + part * count;
        if (op == ReduceOp::kSum) {
            for (std::size_t i = 0; i < count; ++i) values[i] += other[i];
        } else {
            for (std::size_t i = 0; i < count; ++i) {
                const bool take = values[i] < other[i] || is_nan(other[i]);
                values[i] = take ? other[i] : values[i];
            }
        }
    }
}

class MpiCommunicator final : public Communicator {
  public:
    /// Takes over the communicator; one of `world` finalises MPI at its end.
    MpiCommunicator(MPI_Comm comm, bool world);
    MpiCommunicator(const MpiCommunicator&) = delete;
    MpiCommunicator& operator=(const MpiCommunicator&) = delete;
    ~MpiCommunicator() override;

    int rank() const override { return rank_; }
    int size() const override { return size_; }
    const char* name() const override { return "mpi"; }

    void barrier() override {
        const CollectiveCall call;
        check_mpi(MPI_Barrier(comm_), "MPI_Barrier");
    }
    void broadcast(void* data, std::size_t bytes, int root) override;
    void all_reduce(float* values, std::size_t count, ReduceOp op) override {
        reduce(values, count, op);
    }
    void all_reduce(double* values, std::size_t count, ReduceOp op) override {
        reduce(values, count, op);
    }
    void all_reduce(std::int64_t* values, std::size_t count, ReduceOp op) override {
        reduce(values, count, op);
    }
    void reduce_scatter(std::span<float* const> buffers, std::span<const SumTerm> terms,
                        std::span<const ValueRange> ranges) override;
    void all_gather_ranges(void* values, std::size_t value_bytes,
                           std::span<const ValueRange> ranges) override;
    std::vector<std::string> all_gather(std::string_view bytes) override;
    std::unique_ptr<Communicator> split(int color, int key) override;
    bool roll_called() override { return roll_call_.called(); }
    void call_roll(std::string_view answer) override { roll_call_.call(answer); }
    std::vector<std::optional<std::string>> roll_answers() override { return roll_call_.answers(); }

    [[noreturn]] void abort(int exit_code) noexcept override {
        std::fflush(nullptr);
        MPI_Abort(comm_, exit_code);
        std::_Exit(exit_code);
    }

  private:
    template <class T>
    void reduce(T* values, std::size_t count, ReduceOp op);
    template <class T>
    T* scratch(std::size_t count);
    void start_receive(void* target, std::size_t bytes, int from);
    void start_send(const void* values, std::size_t bytes, int to);
    void finish_messages();
    /// The rank to which this one sends in turn `turn`, and the one it receives from: in a turn no
    /// two ranks send to the same.
    int receiver(int turn) const { return (rank_ + turn) % size_; }
    int sender(int turn) const { return (rank_ + size_ - turn) % size_; }

    MPI_Comm comm_;
    bool world_;
    int rank_ = 0;
    int size_ = 1;
    int exceptions_at_start_ = std::uncaught_exceptions();
    std::vector<std::max_align_t> scratch_;
    std::vector<MPI_Request> requests_;
    MpiRollCall roll_call_{comm_};
};

MPI_Comm start_mpi() {
    const Activity starting("starting MPI");
    int initialized = 0;
    check_mpi(MPI_Initialized(&initialized), "MPI_Initialized");
    if (initialized != 0) throw_library_error("MPI", "MPI_Init_thread", "it was called before");
    int provided = MPI_THREAD_SINGLE;
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    if (provided < MPI_THREAD_FUNNELED) {
        throw_library_error("MPI", "MPI_Init_thread", "this MPI does not support threads");
    }
    // The duplicate inherits the error handler.
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
              "MPI_Comm_set_errhandler");
    MPI_Comm comm = MPI_COMM_NULL;
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "MPI_Comm_dup");
    return comm;
}

MpiCommunicator::MpiCommunicator(MPI_Comm comm, bool world) : comm_(comm), world_(world) {
    check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

MpiCommunicator::~MpiCommunicator() {
    // Both calls wait for the other ranks, which do not come when this one is failing.
    if (std::uncaught_exceptions() > exceptions_at_start_) return;
    const Activity ending("ending MPI");
    MPI_Comm_free(&comm_);
    if (world_) MPI_Finalize();
}

std::unique_ptr<Communicator> MpiCommunicator::split(int color, int key) {
    const CollectiveCall call;
    MPI_Comm part = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split(comm_, color, key, &part), "MPI_Comm_split");
    return std::make_unique<MpiCommunicator>(part, false);
}

void MpiCommunicator::broadcast(void* data, std::size_t bytes, int root) {
    const CollectiveCall call;
    auto* next = static_cast<std::byte*>(data);
    while (bytes > 0) {
        const std::size_t now = std::min(bytes, kLargestCallBytes);
        check_mpi(MPI_Bcast(next, static_cast<int>(now), MPI_BYTE, root, comm_), "MPI_Bcast");
        beat();
        next += now;
        bytes -= now;
    }
}

template <class T>
T* MpiCommunicator::scratch(std::size_t count) {
    const std::size_t units = count * sizeof(T) / sizeof(std::max_align_t) + 1;
    if (scratch_.size() < units) scratch_.resize(units);
    return reinterpret_cast<T*>(scratch_.data());
}

/// Not MPI_Allreduce: MPI promises neither an order nor the same bits on every rank. Here each rank
/// folds its piece of a chunk in the order of the ranks, then all exchange their pieces. That moves
/// as many bytes as the best all-reduce, and the result of a value does not depend on its place.
template <class T>
void MpiCommunicator::reduce(T* values, std::size_t count, ReduceOp op) {
    const CollectiveCall call;
    const auto ranks = static_cast<std::size_t>(size_);
    const std::size_t chunk = std::max(kChunkBytes, ranks * kPieceBytes) / sizeof(T);
    const MPI_Datatype type = mpi_type(T{});
    const std::size_t small = std::min(kSmallBytes, kGatheredBytes / ranks);
    while (count * sizeof(T) > small && count >= ranks) {
        const std::size_t piece = std::min(count, chunk) / ranks;
        const int n = static_cast<int>(piece);
        T* parts = scratch<T>(piece * ranks);
        check_mpi(MPI_Alltoall(values, n, type, parts, n, type, comm_), "MPI_Alltoall");
        fold(values + piece * static_cast<std::size_t>(rank_), parts, piece, ranks, op);
        check_mpi(MPI_Allgather(MPI_IN_PLACE, 0, type, values, n, type, comm_), "MPI_Allgather");
        values += piece * ranks;
        count -= piece * ranks;
    }
    while (count > 0) {
        const std::size_t piece =
            std::min(count, std::max<std::size_t>(1, kGatheredBytes / ranks / sizeof(T)));
        const int n = static_cast<int>(piece);
        T* parts = scratch<T>(piece * ranks);
        check_mpi(MPI_Allgather(values, n, type, parts, n, type, comm_), "MPI_Allgather");
        fold(values, parts, piece, ranks, op);
        values += piece;
        count -= piece;
    }
}

// Messages and not MPI_Alltoallv: its places in a buffer are ints, which end at 2^31 values.
void MpiCommunicator::start_receive(void* target, std::size_t bytes, int from) {
    if (bytes == 0) return;
    check_mpi(MPI_Irecv(target, static_cast<int>(bytes), MPI_BYTE, from, kTag, comm_,
                        &requests_.emplace_back(MPI_REQUEST_NULL)),
              "MPI_Irecv");
}

void MpiCommunicator::start_send(const void* values, std::size_t bytes, int to) {
    if (bytes == 0) return;
    check_mpi(MPI_Isend(values, static_cast<int>(bytes), MPI_BYTE, to, kTag, comm_,
                        &requests_.emplace_back(MPI_REQUEST_NULL)),
              "MPI_Isend");
}

void MpiCommunicator::finish_messages() {
    check_mpi(
        MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE),
        "MPI_Waitall");
    requests_.clear();
    beat();
}

/// Values, of so many bytes, that are moved of each of `count` pieces at a time.
std::size_t piece_values(std::size_t count, std::size_t value_bytes) {
    return std::max(kChunkBytes / std::max<std::size_t>(count, 1), kPieceBytes) / value_bytes;
}

/// Each rank adds its own range as the parts of it come in, a piece at a time, so that they are
/// still in the cache when they are added.
void MpiCommunicator::reduce_scatter(std::span<float* const> buffers,
                                     std::span<const SumTerm> terms,
                                     std::span<const ValueRange> ranges) {
    const CollectiveCall call;
    const std::size_t step = piece_values(terms.size(), sizeof(float));
    const std::size_t all = longest(ranges);
    std::vector<const float*> parts(terms.size());
    for (std::size_t done = 0; done < all; done += step) {
        const ValueRange own = piece_at(ranges[static_cast<std::size_t>(rank_)], done, step);
        float* room = scratch<float>(terms.size() * step);
        for (int turn = 1; turn < size_; ++turn) {
            const int to = receiver(turn);
            const ValueRange theirs = piece_at(ranges[static_cast<std::size_t>(to)], done, step);
            for (std::size_t i = 0; i < terms.size(); ++i) {
                const SumTerm& term = terms[i];
                if (term.rank == sender(turn))
                    start_receive(room + i * step, own.size() * sizeof(float), term.rank);
                if (term.rank == rank_)
                    start_send(buffers[static_cast<std::size_t>(term.buffer)] + theirs.first,
                               theirs.size() * sizeof(float), to);
            }
        }
        finish_messages();
        for (std::size_t i = 0; i < terms.size(); ++i)
            parts[i] = terms[i].rank == rank_
                           ? buffers[static_cast<std::size_t>(terms[i].buffer)] + own.first
                           : room + i * step;
        add_terms(buffers[0] + own.first, terms, parts, own.size());
    }
}

void MpiCommunicator::all_gather_ranges(void* values, std::size_t value_bytes,
                                        std::span<const ValueRange> ranges) {
    const CollectiveCall call;
    const std::size_t step = piece_values(ranges.size(), value_bytes);
    const std::size_t all = longest(ranges);
    const auto at = [&](const ValueRange& range) {
        return static_cast<std::byte*>(values) + range.first * value_bytes;
    };
    for (std::size_t done = 0; done < all; done += step) {
        const ValueRange own = piece_at(ranges[static_cast<std::size_t>(rank_)], done, step);
        for (int turn = 1; turn < size_; ++turn) {
            const int from = sender(turn);
            const ValueRange theirs = piece_at(ranges[static_cast<std::size_t>(from)], done, step);
            start_receive(at(theirs), theirs.size() * value_bytes, from);
            start_send(at(own), own.size() * value_bytes, receiver(turn));
        }
        finish_messages();
    }
}

std::vector<std::string> MpiCommunicator::all_gather(std::string_view bytes) {
    const CollectiveCall call;
    const auto ranks = static_cast<std::size_t>(size_);
    const auto own_size = static_cast<std::int64_t>(bytes.size());
    std::vector<std::int64_t> sizes(ranks);
    check_mpi(MPI_Allgather(&own_size, 1, MPI_INT64_T, sizes.data(), 1, MPI_INT64_T, comm_),
              "MPI_Allgather");
    std::vector<std::string> result(ranks);
    const auto total =
        static_cast<std::size_t>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}));
    if (total > kLargestCallBytes) {
        for (std::size_t rank = 0; rank < ranks; ++rank) {
            const auto size = static_cast<std::size_t>(sizes[rank]);
            if (static_cast<int>(rank) == rank_) {
                result[rank] = bytes;
            } else {
                result[rank].resize(size);
            }
            broadcast(result[rank].data(), size, static_cast<int>(rank));
        }
        return result;
    }
    const std::vector<int> counts(sizes.begin(), sizes.end());
    std::vector<int> offsets(ranks);
    std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
    std::string all(total, '\0');
    check_mpi(MPI_Allgatherv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, all.data(),
                             counts.data(), offsets.data(), MPI_BYTE, comm_),
              "MPI_Allgatherv");
    for (std::size_t rank = 0; rank < ranks; ++rank) {
        result[rank] = all.substr(static_cast<std::size_t>(offsets[rank]),
                                  static_cast<std::size_t>(counts[rank]));
    }
    return result;
}

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator() {
    return std::make_unique<MpiCommunicator>(start_mpi(), true);
}

}  // namespace r1
