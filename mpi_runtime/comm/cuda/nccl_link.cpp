// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/cuda/nccl_link.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

#include "common/error.h"
#include "common/host.h"
#include "common/time.h"
#include "mpi_runtime/comm/cuda/nccl_library.h"
#include "mpi_runtime/comm/launched.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {

namespace {

/// For answers to a roll call a rank has the limit, which is how long one may be silent, and at
/// least so many seconds.
constexpr double kShortestGrace = 1;
/// Seconds for which a wait is busy, before it sleeps between looks.
constexpr double kBusy = 1e-3;
constexpr auto kNap = std::chrono::microseconds(50);
/// Seconds between two looks for errors, and between two looks that are believed: time in which the
/// process was stopped as a whole does not count.
constexpr double kInterval = 1e-2;
constexpr double kLongestGap = 1;

/// As the user knows this rank: by its number among all, not in the group.
std::string own_name(const Communicator& ranks) {
    const int rank = launched_ranks() > 0 ? launched_rank() : ranks.rank();
    return "rank " + std::to_string(rank) + " on " + node_name();
}

}  // namespace

NcclLink::NcclLink(Communicator& comm, double limit_seconds)
    : ranks_(comm), limit_(limit_seconds), names_(comm.all_gather(own_name(comm))) {
    try {
        connect();
    } catch (...) {
        abort();
        throw;
    }
}

void NcclLink::connect() {
    ncclUniqueId id{};
    if (ranks_.rank() == 0) check(nccl().get_unique_id(&id), "ncclGetUniqueId");
    ranks_.broadcast(&id, sizeof id, 0);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    enter("ncclCommInitRankConfig");
    settle(nccl().comm_init_rank_config(&comm_, ranks_.size(), id, ranks_.rank(), &config),
           "ncclCommInitRankConfig");
}

NcclLink::~NcclLink() {
    if (comm_ == nullptr) return;
    // Finishing waits for the other ranks, which do not come when this one is failing.
    if (std::uncaught_exceptions() > exceptions_at_start_) {
        abort();
        return;
    }
    try {
        settle(nccl().comm_finalize(comm_), "ncclCommFinalize");
        nccl().comm_destroy(comm_);
    } catch (const std::exception&) {
        abort();
    }
}

void NcclLink::enter(const char* what) {
    if (comm_ == nullptr && entered_ > 0)
        throw Error(ExitCode::kLibrary, "NCCL: the group was aborted before");
    pass_by();
    ++entered_;
    what_ = what;
}

void NcclLink::pass_by() {
    if (ranks_.roll_called()) call_roll(0);
}

void NcclLink::check(ncclResult_t code, const char* call) {
    if (code != ncclSuccess && code != ncclInProgress) fail(code, call);
}

void NcclLink::settle(ncclResult_t code, const char* call) {
    check(code, call);
    ncclResult_t state = code;
    const auto settled = [&] {
        check(nccl().comm_get_async_error(comm_, &state), "ncclCommGetAsyncError");
        return state != ncclInProgress;
    };
    // Asked even after ncclSuccess: until NCCL says so, no other call may be made.
    if (!settled()) wait_until(settled);
    check(state, call);
}

void NcclLink::wait_until(const std::function<bool()>& done) {
    if (done()) return;
    const CollectiveWait waiting;
    const double start = monotonic_seconds();
    double last_look = start;
    double waited = 0;
    double patience = limit_;
    while (!done()) {
        const double now = monotonic_seconds();
        if (now - last_look >= kInterval) {
            waited += std::min(now - last_look, kLongestGap);
            last_look = now;
            look_for_errors();
            const bool out_of_patience = limit_ > 0 && waited >= patience;
            if (out_of_patience) patience = waited + limit_;
            if (out_of_patience || ranks_.roll_called()) call_roll(waited);
        }
        if (now - start < kBusy)
            std::this_thread::yield();
        else
            std::this_thread::sleep_for(kNap);
    }
}

void NcclLink::look_for_errors() {
    ncclResult_t state = ncclSuccess;
    check(nccl().comm_get_async_error(comm_, &state), "ncclCommGetAsyncError");
    check(state, what_);
}

void NcclLink::call_roll(double waited_seconds) {
    const Collective own{entered_, waited_seconds};
    const auto answers = ranks_.call_roll(to_answer(own), std::max(limit_, kShortestGrace));
    const auto missing = find_missing(answers, names_, own, what_, limit_);
    if (!missing) return;
    abort();
    throw Error(ExitCode::kLibrary, "NCCL: " + *missing);
}

void NcclLink::fail(ncclResult_t code, const char* call) {
    const char* const last = comm_ == nullptr ? nullptr : nccl().get_last_error(comm_);
    std::string detail = nccl().get_error_string(code);
    if (last != nullptr && *last != '\0') detail += std::string(": ") + last;
    detail += ", in collective " + std::to_string(entered_) + " (" + what_ + ") of " +
              names_[static_cast<std::size_t>(ranks_.rank())];
    abort();
    throw_library_error("NCCL", call, detail);
}

void NcclLink::abort() noexcept {
    if (comm_ != nullptr) nccl().comm_abort(comm_);
    comm_ = nullptr;
}

}  // namespace r1
