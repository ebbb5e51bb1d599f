// SPDX-License-Identifier: Apache-2.0
// A queue that answers what a test says, and counts what it is asked.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "slurm/scheduler.h"

namespace r1::testing {

class FakeScheduler final : public Scheduler {
  public:
    std::vector<QueuedJob> queued;
    std::optional<std::vector<PastJob>> past = std::vector<PastJob>{};
    std::string queue_error;    ///< what queue() throws, unless empty
    std::string history_error;  ///< likewise
    Forecast next_forecast{true, "starts at once"};
    /// Called by submit() before it answers with ids from 100 on.
    std::function<void(const JobRequest&)> on_submit;
    std::function<void(const JobId&)> on_cancel;
    std::string cluster;  ///< of the ids

    int queue_calls = 0;
    int history_calls = 0;
    std::vector<std::int64_t> asked_ids;
    std::int64_t asked_since_s = 0;
    std::vector<JobRequest> submitted;
    std::vector<JobRequest> forecasted;
    std::vector<JobId> cancelled;

    JobId submit(const JobRequest& request) override {
        if (on_submit) on_submit(request);
        submitted.push_back(request);
        return {99 + static_cast<std::int64_t>(submitted.size()), cluster};
    }
    Forecast forecast(const JobRequest& request) override {
        forecasted.push_back(request);
        return next_forecast;
    }
    std::vector<QueuedJob> queue() override {
        ++queue_calls;
        if (!queue_error.empty()) throw Error(ExitCode::kScheduler, queue_error);
        return queued;
    }
    std::optional<std::vector<PastJob>> history(const std::vector<std::int64_t>& jobs,
                                                std::int64_t since_s) override {
        ++history_calls;
        asked_ids = jobs;
        asked_since_s = since_s;
        if (!history_error.empty()) throw Error(ExitCode::kScheduler, history_error);
        return past;
    }
    void cancel(const JobId& id) override {
        if (on_cancel) on_cancel(id);
        cancelled.push_back(id);
    }
    void signal_ranks(const JobId&, const std::string&) override { unexpected(); }
    void requeue(const JobId&) override { unexpected(); }

  private:
    [[noreturn]] static void unexpected() { throw std::logic_error("nobody was to call this"); }
};

}  // namespace r1::testing
