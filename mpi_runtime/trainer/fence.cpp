// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/fence.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "common/error.h"
#include "common/file.h"

namespace r1 {

bool exists_now(const std::filesystem::path& path) {
    const FileDescriptor folder{
        ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    struct stat found {};
    return folder && ::fstatat(folder.get(), path.filename().c_str(), &found, 0) == 0;
}

Fence::Fence(RunDirectory run, int attempt) : run_(std::move(run)), attempt_(attempt) {}

bool Fence::superseded() {
    // Attempts are numbered without gaps.
    if (run_ && !superseded_) superseded_ = exists_now(run_->attempt(attempt_ + 1));
    return superseded_;
}

void Fence::refuse() const {
    throw Error(ExitCode::kRunFailed, "superseded by attempt " + std::to_string(attempt_ + 1) +
                                          " of the run; this one ends without saving");
}

}  // namespace r1
