// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "mpi_runtime/store/collective_writer.h"
#include "mpi_runtime/trainer/saved_state.h"
#include "mpi_runtime/trainer/snapshot.h"

namespace r1::test {

/// Saves a snapshot of all ranks as they do, and opens it again.
inline SavedState save_and_open(Communicator& comm, const std::filesystem::path& checkpoints,
                                std::int64_t step, Snapshot& snapshot) {
    CollectiveWriter writer(comm, {checkpoints, "run", false, 0});
    SaveRequest request;
    request.step = step;
    request.state = snapshot.state_text();
    request.volumes = snapshot.take_volumes();
    EXPECT_FALSE(writer.save(std::move(request)));
    const auto ending = writer.advance(true);
    EXPECT_TRUE(ending && ending->committed);
    return SavedState(checkpoints / checkpoint_name(step));
}

}  // namespace r1::test
