// SPDX-License-Identifier: Apache-2.0
#include "cli/news.h"

#include <deque>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/history.h"
#include "common/json.h"

namespace r1::cli {

void News::skip_what_is_there() {
    metrics_offset_ = end_of_lines(run_.metrics());
    evaluations_offset_ = end_of_lines(run_.evaluations());
}

void News::show(const std::function<std::string()>& spent) {
    // Metrics are read first: what was evaluated before a step is then never read after it.
    const std::vector<Json> metrics = read_json_lines(run_.metrics(), metrics_offset_);
    std::deque<Evaluation> evaluations;
    for (const Json& line : read_json_lines(run_.evaluations(), evaluations_offset_))
        if (const auto evaluation = parse_evaluation(line)) evaluations.push_back(*evaluation);
    const auto show_evaluations_before = [&](std::int64_t step) {
        for (; !evaluations.empty() && evaluations.front().step < step; evaluations.pop_front())
            progress_.evaluation(evaluations.front());
    };
    for (const Json& line : metrics) {
        const auto step = parse_step(line);
        if (!step) continue;
        show_evaluations_before(step->step);
        progress_.step(*step, spent());
    }
    show_evaluations_before(std::numeric_limits<std::int64_t>::max());
}

}  // namespace r1::cli
