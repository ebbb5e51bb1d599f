// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/cuda/nccl_link.h"

#include <algorithm>
#include <utility>

#include "common/error.h"
#include "common/host.h"
#include "mpi_runtime/comm/cuda/nccl_library.h"
#include "mpi_runtime/comm/launched.h"

namespace r1 {

namespace {

/// For answers to a roll call a rank has the limit, which is how long one may be silent, and at
/// least so many seconds.
constexpr double kShortestGrace = 1;
/// A roll call that found nobody is repeated so often in the time of the limit.
constexpr double kAgain = 4;

/// As the user knows this rank: by its number among all, not in the group.
std::string own_name(const Communicator& ranks) {
    const int rank = launched_ranks() > 0 ? launched_rank() : ranks.rank();
    return "rank " + std::to_string(rank) + " on " + node_name();
}

}  // namespace

NcclLink::NcclLink(Communicator& comm, DeviceWatches& watches, double limit_seconds,
                   std::function<bool()> under_way)
    : ranks_(comm),
      watches_(watches),
      limit_(limit_seconds),
      under_way_(std::move(under_way)),
      names_(comm.all_gather(own_name(comm))),
      place_(watches, *this) {
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
        nccl().comm_destroy(std::exchange(comm_, nullptr));
    } catch (const std::exception&) {
        abort();
    }
}

void NcclLink::enter(const char* what) {
    if (comm_ == nullptr && entered_ > 0)
        throw Error(ExitCode::kLibrary, "NCCL: the group was aborted before");
    ++entered_;
    what_ = what;
}

void NcclLink::call(const std::function<void()>& calls) {
    check(nccl().group_start(), "ncclGroupStart");
    call_open_ = true;
    try {
        calls();
    } catch (...) {
        abort();
        throw;
    }
    call_open_ = false;
    settle(nccl().group_end(), "ncclGroupEnd");
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
    settling_ = true;
    // Asked even after ncclSuccess: until NCCL says so, no other call may be made.
    watches_.wait_until(settled);
    settling_ = false;
    check(state, call);
}

void NcclLink::begin() noexcept {
    waiting_.emplace();
    waited_ = 0;
    patience_ = limit_;
    all_came_at_.reset();
}

void NcclLink::end() noexcept {
    waiting_.reset();
    waited_ = 0;
}

void NcclLink::look(double seconds) {
    if (comm_ == nullptr) return;
    look_for_errors();
    waited_ += seconds;
    if (limit_ == 0 || seconds == 0 || waited_ < patience_) return;
    // Who waits for something else answers, but does not ask where the others are.
    if (answered_ || idle()) return;
    patience_ = waited_ + limit_ / kAgain;
    call_roll();
}

void NcclLink::answer(double seconds) {
    if (comm_ == nullptr) return;
    if (!answered_ && ranks_.roll_called()) call_roll();
    if (answered_) hear_answers(seconds);
}

bool NcclLink::idle() {
    return comm_ == nullptr || (!settling_ && !under_way_());
}

void NcclLink::look_for_errors() {
    ncclResult_t state = ncclSuccess;
    check(nccl().comm_get_async_error(comm_, &state), "ncclCommGetAsyncError");
    check(state, what_);
}

void NcclLink::call_roll() {
    // While another group of this GPU asks, it may be one of that group's ranks that holds up all.
    answered_ = Collective{entered_, watches_.another_asks(*this) ? 0 : waited_};
    answered_what_ = what_;
    grace_ = std::max(limit_, kShortestGrace);
    ranks_.call_roll(to_answer(*answered_));
}

void NcclLink::hear_answers(double seconds) {
    const auto answers = ranks_.roll_answers();
    grace_ -= seconds;
    const bool all_answered = std::all_of(answers.begin(), answers.end(),
                                          [](const auto& answer) { return answer.has_value(); });
    if (!all_answered && grace_ > 0) return;
    const Collective own = *std::exchange(answered_, std::nullopt);
    const auto missing = find_missing(answers, names_, own, answered_what_, limit_);
    if (!missing) return;
    if (missing->all_came) {
        // Another group may hold up the GPU of one of them: it has the time of another limit to
        // find out, in which this one does not ask.
        if (!all_came_at_) all_came_at_ = waited_;
        patience_ = std::max(patience_, *all_came_at_ + limit_);
        if (own.number != entered_ || waited_ < *all_came_at_ + limit_) return;
    }
    abort();
    throw Error(ExitCode::kLibrary, "NCCL: " + missing->text);
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
    // NCCL drops what is asked in a group of calls that failed, an abort too.
    if (std::exchange(call_open_, false)) nccl().group_end();
    watches_.give_up();
}

/// Between ncclGroupStart and ncclGroupEnd the kernels are only told to end. Taking a communicator
/// down waits for the whole GPU, and so for the others' kernels.
void NcclLink::give_up() noexcept {
    if (comm_ == nullptr) return;
    giving_up_ = true;
    nccl().group_start();
    nccl().comm_abort(std::exchange(comm_, nullptr));
}

void NcclLink::end_giving_up() noexcept {
    if (std::exchange(giving_up_, false)) nccl().group_end();
}

}  // namespace r1
