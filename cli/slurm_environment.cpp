// SPDX-License-Identifier: Apache-2.0
#include "cli/slurm_environment.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "common/error.h"
#include "common/host.h"

namespace r1::cli {

namespace {

std::string text(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::int64_t number(const char* name) {
    const std::string value = text(name);
    std::int64_t result = 0;
    std::from_chars(value.data(), value.data() + value.size(), result);
    return result;
}

}  // namespace

SlurmEnvironment slurm_environment() {
    SlurmEnvironment environment;
    environment.job = number("SLURM_JOB_ID");
    environment.restarts = number("SLURM_RESTART_COUNT");  // not set on the first start
    environment.partition = text("SLURM_JOB_PARTITION");
    environment.account = text("SLURM_JOB_ACCOUNT");
    environment.node_list = text("SLURM_JOB_NODELIST");
    environment.node = node_name();
    if (environment.job <= 0)
        throw Error(ExitCode::kUsage, "this is what a job script calls: there is no $SLURM_JOB_ID");
    return environment;
}

}  // namespace r1::cli
