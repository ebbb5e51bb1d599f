// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/store/collective_writer.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "checkpoint/commit.h"
#include "common/host.h"
#include "common/time.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/store/save_job.h"

namespace r1 {
namespace {

/// "" or what the call threw: a failed save is agreed on, not thrown through one rank.
template <class Call>
std::string problem_of(Call call) {
    try {
        call();
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

}  // namespace

CollectiveWriter::CollectiveWriter(Communicator& comm, Options options)
    : comm_(comm),
      options_(std::move(options)),
      file_of_(files_by_rank(comm, options_.file_a_rank)),
      throttle_(options_.write_rate) {
    comm_.broadcast(&leader_pid_, sizeof leader_pid_, 0);
}

CollectiveWriter::~CollectiveWriter() {
    throttle_.lift();
    background_.wait();
    if (job_ && leader()) job_->drop();
}

void CollectiveWriter::went_on_from(Manifest manifest) {
    if (leader()) previous_ = std::move(manifest);
}

std::optional<CollectiveWriter::Ending> CollectiveWriter::save(SaveRequest request) {
    const double begin = monotonic_seconds();
    Manifest head;
    head.run_id = options_.run_id;
    head.step = request.step;
    head.keep = request.keep;
    head.state = std::move(request.state);
    head.metrics = std::move(request.metrics);
    job_ = std::make_unique<SaveJob>(
        options_.checkpoints / temporary_name(request.step, leader_pid_), std::move(head));
    seconds_ = 0;
    std::string problem = begin_files(request.volumes);
    if (problem.empty()) problem = agree(problem_of([&] { job_->copy(memory_); }));
    seconds_ = monotonic_seconds() - begin;
    if (!problem.empty()) return end(std::move(problem));
    phase_ = Phase::kWriting;
    start([this, sync = std::move(request.before_commit)] {
        if (sync && leader()) sync();
        job_->write(throttle_);
    });
    return std::nullopt;
}

/// The leader makes the folder and links what is frozen; the rest goes to files whose places all
/// ranks know.
std::string CollectiveWriter::begin_files(std::vector<Volume>& volumes) {
    std::vector<std::int64_t> linked(volumes.size(), 0);
    std::string problem;
    if (leader())
        problem = problem_of([&] {
            job_->make_folder();
            for (std::size_t i = 0; i < volumes.size(); ++i)
                if (volumes[i].frozen && previous_)
                    linked[i] = job_->link_frozen(volumes[i].prefix, *previous_) ? 1 : 0;
        });
    problem = agree(std::move(problem));
    if (!problem.empty()) return problem;
    comm_.all_reduce(linked.data(), linked.size(), ReduceOp::kMax);
    places_.resize(volumes.size());
    return agree(problem_of([&] {
        for (std::size_t i = 0; i < volumes.size(); ++i) {
            if (linked[i] != 0) continue;
            // The same for every save until the tensors change, or what the ranks hold of them.
            if (!places_[i] || !places_[i]->fit(volumes[i]))
                places_[i].emplace(comm_, volumes[i], file_of_, options_.checkpoints);
            job_->add(std::move(volumes[i]), *places_[i]);
        }
    }));
}

std::optional<CollectiveWriter::Ending> CollectiveWriter::advance(bool wait) {
    std::string problem;
    if (phase_ == Phase::kWriting) {
        if (!all_done(wait, problem)) return std::nullopt;
        if (!problem.empty()) return end(std::move(problem));
        std::vector<std::string> reports = comm_.all_gather(job_->report());
        phase_ = Phase::kCommitting;
        if (leader()) start([this, reports = std::move(reports)] { job_->commit(reports); });
    }
    if (phase_ == Phase::kIdle || !all_done(wait, problem)) return std::nullopt;
    return end(std::move(problem));
}

void CollectiveWriter::start(std::function<void()> work) {
    background_.start([this, work = std::move(work)] {
        const double begin = monotonic_seconds();
        work();
        seconds_ += monotonic_seconds() - begin;
    });
}

/// Whether the background of every rank has come to its end, and the first problem there was.
bool CollectiveWriter::all_done(bool wait, std::string& problem) {
    if (wait) {
        const Activity waiting("writing a checkpoint (does its disk answer?)");
        throttle_.lift();
        std::uint64_t seen = 0;
        background_.wait([&] {
            if (throttle_.passed() != std::exchange(seen, throttle_.passed())) beat();
        });
    }
    std::int64_t working = background_.done() ? 0 : 1;
    comm_.all_reduce(&working, 1, ReduceOp::kMax);
    if (working != 0) return false;
    problem = agree(background_.take());
    return true;
}

/// Every rank's word for it, of the lowest rank that has a problem.
std::string CollectiveWriter::agree(std::string problem) {
    std::int64_t failed = problem.empty() ? 0 : 1;
    comm_.all_reduce(&failed, 1, ReduceOp::kMax);
    if (failed == 0) return {};
    if (!problem.empty() && comm_.size() > 1)
        problem = "rank " + std::to_string(comm_.rank()) + " on " + node_name() + ": " + problem;
    for (std::string& one : comm_.all_gather(problem))
        if (!one.empty()) return std::move(one);
    return {};
}

CollectiveWriter::Ending CollectiveWriter::end(std::string problem) {
    throttle_.impose();
    Ending ending{job_->manifest().step, problem.empty(), std::move(problem), seconds_};
    if (leader() && ending.committed) previous_ = job_->manifest();
    if (leader() && !ending.committed) job_->drop();
    job_.reset();
    phase_ = Phase::kIdle;
    return ending;
}

}  // namespace r1
