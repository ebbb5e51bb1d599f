// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/wait.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "cli/history.h"
#include "cli/runs_folder.h"
#include "cli/stop_signals.h"
#include "cli/story.h"
#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "common/time.h"
#include "common/units.h"

namespace r1::cli {

namespace {

constexpr int kFailed = static_cast<int>(ExitCode::kRunFailed);

std::optional<double> seconds_of(const std::string& timeout) {
    if (timeout.empty()) return std::nullopt;
    try {
        return static_cast<double>(parse_duration(timeout).seconds);
    } catch (const std::invalid_argument& e) {
        throw Error(ExitCode::kUsage, "--timeout " + printable(timeout) + ": " + e.what());
    }
}

Json result_json(const RunView& view) {
    const Glance glance = glance_at(view.run);
    return Json{{"run_id", view.run.run_id()},
                {"state", to_string(view.state)},
                {"ended", has_ended(view)},
                {"step", glance.last ? glance.last->step : 0},
                {"total_steps", glance.last ? Json(glance.last->total_steps) : Json(nullptr)},
                {"note", view.note}};
}

/// The result, whichever way the waiting ended.
int report(const std::vector<RunView>& views, bool timed_out, bool json, std::ostream& out) {
    int exit_code = timed_out ? kFailed : 0;
    Json list = Json::array();
    for (const RunView& view : views) {
        exit_code = std::max(exit_code, has_ended(view) ? exit_code_of(view) : kFailed);
        list.push_back(result_json(view));
        if (json) continue;
        const std::string how = has_ended(view) ? end_text(view) : "has not ended yet";
        out << view.run.run_id() << ": " << how << "\nnext: " << next_for(view) << '\n';
    }
    if (json) out << Json{{"schema", 1}, {"timed_out", timed_out}, {"runs", list}}.dump(2) << '\n';
    return exit_code;
}

}  // namespace

std::string end_text(const RunView& view) {
    if (view.state == RunState::kQueued) return "has not been started";
    std::string text = to_string(view.state);
    const Glance glance = glance_at(view.run);
    if (glance.last) {
        text += " at step " + std::to_string(glance.last->step);
        if (glance.last->total_steps > 0) text += " of " + std::to_string(glance.last->total_steps);
    }
    const bool why = view.state != RunState::kCompleted && !view.note.empty();
    return why ? text + ": " + printable(view.note) : text;
}

int exit_code_of(const RunView& view) {
    return view.state == RunState::kCompleted ? 0 : kFailed;
}

void add_wait(CLI::App& app, Context& context) {
    auto options = std::make_shared<WaitOptions>();
    CLI::App* command = app.add_subcommand("wait", "Wait until runs have ended");
    command->add_option("run", options->wanted, "Run ids, the start of one, or paths")->required();
    command->add_option("--timeout", options->timeout, "Give up after this time: 90m, 2h");
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    add_runs_option(*command, options->runs);
    command->footer(
        "Exit code 0 when every run is completed, 1 when one failed, was stopped or interrupted,\n"
        "or when the time is over; the output says which.");
    command->callback([options, &context] { context.exit_code = run_wait(*options, context); });
}

int run_wait(const WaitOptions& options, Context& context) {
    const std::optional<double> timeout = seconds_of(options.timeout);
    const double deadline = monotonic_seconds() + timeout.value_or(0);
    std::vector<RunDirectory> runs;
    for (const std::string& name : options.wanted) runs.push_back(find_run(options.runs, name));
    Lookout lookout(runs, context, options.times);
    const StopSignals signals;
    std::vector<RunStory> stories(runs.size());
    while (true) {
        const std::vector<RunView>& views = lookout.look();
        const bool all = std::all_of(views.begin(), views.end(), has_ended);
        for (std::size_t i = 0; i < views.size(); ++i)
            for (const std::string& line : stories[i].changes(views[i], utc_milliseconds() / 1000))
                context.err << views[i].run.run_id() << ": " << printable(line) << std::endl;
        if (all) return report(views, false, options.json, context.out);
        if (timeout && monotonic_seconds() >= deadline) {
            context.err << "r1ctl: still not ended after " << options.timeout << '\n';
            return report(views, true, options.json, context.out);
        }
        if (signals.count() > 0) throw Error(ExitCode::kRunFailed, "interrupted; the runs go on");
        lookout.rest(
            [&] { return signals.count() > 0 || (timeout && monotonic_seconds() >= deadline); });
    }
}

}  // namespace r1::cli
