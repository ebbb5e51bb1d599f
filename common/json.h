// SPDX-License-Identifier: Apache-2.0
// Run records: small JSON objects with a schema version, written whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace r1 {

using Json = nlohmann::ordered_json;

/// Parses one JSON object. Throws Error naming `origin` when the text is not one.
Json parse_json_object(std::string_view text, const std::string& origin);

/// Reads a record; nullopt when the file does not exist. Throws Error when it is not a JSON object
/// or its "schema" is newer than `newest_schema`.
std::optional<Json> read_record(const std::filesystem::path& path, int newest_schema);

/// Writes a record durably. `record` must hold its "schema".
void write_record(const std::filesystem::path& path, const Json& record);

/// Reads JSON lines from byte `offset` on, up to the last complete line, and advances `offset`.
/// A torn last line is left for the next call; a damaged line in the middle is skipped.
std::vector<Json> read_json_lines(const std::filesystem::path& path, std::uint64_t& offset);

}  // namespace r1
