// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/train.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/attempt.h"
#include "checkpoint/lease.h"
#include "common/error.h"
#include "common/host.h"
#include "common/json.h"
#include "common/log.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/trainer/pipeline.h"

namespace r1 {

namespace {

std::string describe_device(const Session& session) {
    const RankDevice& device = session.device;
    std::string text = device.backend->name();
    if (device.uuid.empty()) {
        const std::int64_t threads = session.recipe.resources.threads_per_rank;
        text += ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    }
    return text + " (" + device.why + ")";
}

void record_ranks(Session& session, int attempt) {
    Json own;
    own["rank"] = session.comm.rank();
    own["host"] = node_name();
    own["pid"] = ::getpid();
    own["device"] = describe_device(session);
    std::vector<RankPlace> places;
    for (const std::string& text : session.comm.all_gather(own.dump())) {
        const Json place = Json::parse(text);
        places.push_back({place.at("rank"), place.at("host"), place.at("pid"), place.at("device")});
    }
    if (!session.leader()) return;
    if (session.fence.superseded()) session.fence.refuse();
    write_ranks(session.run, attempt, places);
    for (const RankPlace& place : places)
        log_info("rank " + std::to_string(place.rank) + " of " + std::to_string(places.size()) +
                 " runs on " + place.host + ", pid " + std::to_string(place.pid) + ", " +
                 place.device);
}

/// Rank 0 writes for all; a second job on the run ends here, before it has changed anything.
void take_run(Session& session, int attempt) {
    if (!session.leader()) return;
    const AttemptRecord process = describe_launcher(::getpid());
    LeaseHolder holder{attempt, process.host, process.launcher_pid, process.launcher_start_ticks,
                       process.boot_id};
    if (const auto record = read_attempt(session.run, attempt); record && record->slurm) {
        holder.job = record->slurm->job;
        holder.restarts = record->slurm->restarts;
    }
    const Activity taking("waiting for the run's last writer");
    try {
        session.lease = std::make_unique<Lease>(session.run, std::move(holder));
    } catch (const Error& error) {
        // The attempt's records are those of the one that has it.
        const auto other = lease_holder(session.run);
        if (!other || other->attempt != attempt) throw;
        log_error(error.what());
        session.comm.abort(static_cast<int>(error.code()));
    }
}

}  // namespace

void train(Session& session, int attempt) {
    take_run(session, attempt);
    session.fence = Fence(session.run, attempt);
    record_ranks(session, attempt);
    const OutcomeRecord outcome = run_pipeline(session, attempt);
    session.comm.barrier();
    if (!session.leader()) return;
    if (session.fence.superseded()) session.fence.refuse();
    write_outcome(session.run, attempt, outcome);
}

}  // namespace r1
