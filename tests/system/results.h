// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/run_directory.h"
#include "common/json.h"

namespace r1 {

/// Every tensor of one checkpoint and the hash of its bytes, however they are cut.
std::map<std::string, std::string> tensor_hashes(const RunDirectory& run, std::int64_t step);

/// The lines of a file of JSON lines, as they are.
std::vector<Json> json_lines(const std::filesystem::path& file);
/// Without what depends on the clock or on the attempt.
std::vector<std::string> timeless_lines(const std::filesystem::path& file);

/// The newest step in metrics.jsonl; 0 when there is none.
std::int64_t newest_step(const RunDirectory& run);

/// Two runs of the same recipe gave the same bits: the last checkpoint's tensors, every figure of
/// every step and of every evaluation, and what the sample stages wrote.
void expect_same_results(const RunDirectory& a, const RunDirectory& b);

}  // namespace r1
