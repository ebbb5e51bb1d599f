// SPDX-License-Identifier: Apache-2.0
// The job script, and what sbatch is told beside it. Pure: the same input gives the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "recipes/recipe.h"
#include "slurm/plan.h"
#include "slurm/profile.h"

namespace r1 {

/// Everything that a job script follows from, besides the plan and the profile. Paths are absolute.
struct JobPlace {
    std::filesystem::path run;                       ///< the run directory
    int job = 1;                                     ///< the number of its record there
    std::filesystem::path r1ctl;                     ///< as the nodes see it
    std::filesystem::path rank_program;              ///< as the nodes see it
    std::map<std::string, std::string> environment;  ///< PATH and LD_LIBRARY_PATH of the submitter
};

/// No string from outside stands in it unquoted, and no option of sbatch. Throws Error (kUsage) for
/// a string that no shell could carry (a NUL or a line break).
std::string job_script(const JobPlan& plan, const ClusterProfile& profile, const JobPlace& place);

/// How a job is asked for beyond the plan.
struct SubmitWishes {
    bool hold = false;
    std::vector<std::int64_t> after;    ///< jobs that must have ended, however
    std::vector<std::string> excluded;  ///< nodes
    std::int64_t warning_s = 0;         ///< before the limit the ranks are signalled
};
std::vector<std::string> sbatch_options(const JobPlan& plan, const ClusterProfile& profile,
                                        const JobPlace& place, const SubmitWishes& wishes);

/// In single quotes for a POSIX shell.
std::string shell_quoted(const std::string& text);

}  // namespace r1
