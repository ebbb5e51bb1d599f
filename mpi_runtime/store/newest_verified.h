// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "mpi_runtime/comm/communicator.h"

namespace r1 {

/// The step of the newest checkpoint of which every byte is right, or nullopt. Each rank reads its
/// part of a candidate; the leader logs why one is passed over. Collective; the same on every rank.
std::optional<std::int64_t> newest_verified(Communicator& comm,
                                            const std::filesystem::path& checkpoints);

}  // namespace r1
