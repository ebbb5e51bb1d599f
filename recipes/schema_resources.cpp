// SPDX-License-Identifier: Apache-2.0
// The tables of `resources`: of a run, and of one stage of it.
#include "recipes/schema.h"

namespace r1 {

namespace {

constexpr Range between(double low, double high) {
    return {.low = low, .high = high};
}

std::vector<Row> stage_rows() {
    using S = ResourcesSection;
    return {
        row<&S::ranks>("ranks", "1", "processes", between(1, 65536),
                       "How many ranks train: one a GPU, or one a share of the cores."),
        row<&S::ranks_per_node>("ranks_per_node", "0", "processes", between(0, 4096),
                                "Ranks on one node; 0: what the cluster's profile gives."),
        row<&S::threads_per_rank>("threads_per_rank", "1", "threads", between(1, 4096),
                                  "CPU threads of one rank."),
        row<&S::device>("device", "auto", "", {},
                        "Where the ranks compute; auto takes a GPU where there is one."),
        row<&S::gpu_type>("gpu_type", "", "", {},
                          "Slurm's name of the GPU that is needed; empty: what the partition has.",
                          kAnyStage, check_gpu_type),
        row<&S::time_limit>("time_limit", "0s", "", {},
                            "The longest that one attempt may take. It saves before; then `run` "
                            "stops, and a submitted run goes on in a next attempt. 0s: none "
                            "(`run`), the partition's (`submit`)."),
    };
}

std::vector<Row> run_rows() {
    using S = ResourcesSection;
    return {
        row<&S::max_attempts>("max_attempts", "0", "attempts", between(0, 1e6),
                              "A submitted run is given up after this many starts; 0: no bound."),
        row<&S::attempts_without_progress>(
            "attempts_without_progress", "5", "attempts", between(1, 1000),
            "A submitted run is given up after so many attempts in a row that saved nothing new."),
        row<&S::watchdog>("watchdog", "30m", "", {},
                          "Ranks that make no progress for this long are ended, and the one that "
                          "hangs is named; 0s: off."),
    };
}

}  // namespace

const Table& resources_table() {
    static const Table table = [] {
        Table made{stage_rows(), {}};
        for (const Row& row : run_rows()) made.rows.push_back(row);
        return made;
    }();
    return table;
}

const Table& stage_resources_table() {
    static const Table table{stage_rows(), {}, {}, &resources_table()};
    return table;
}

}  // namespace r1
