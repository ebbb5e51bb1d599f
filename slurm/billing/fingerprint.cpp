// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/fingerprint.h"

#include <sys/stat.h>

#include <algorithm>

namespace r1 {

Fingerprint fingerprint_of(const RunDirectory& run, int newest_attempt) {
    Fingerprint print;
    print.newest_attempt = newest_attempt;
    for (const auto& path :
         {run.attempts(), run.attempt(newest_attempt), run.jobs(), run.recipe(), run.summary(),
          run.accounting(), run.metrics(), run.evaluations(), run.checkpoints()}) {
        struct stat facts {};
        if (::stat(path.c_str(), &facts) != 0) {
            print.text += "-;";
            continue;
        }
        const auto& time = facts.st_mtim;
        // The inode tells a run that was put in place of another, with times kept.
        print.text += std::to_string(facts.st_ino) + " " + std::to_string(facts.st_size) + " " +
                      std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec) + ";";
        print.newest_ms =
            std::max(print.newest_ms, std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000);
    }
    return print;
}

}  // namespace r1
