// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"

namespace r1 {

Json parse_json_object(std::string_view text, const std::string& origin) {
    // Bounded depth: the library's parser keeps its own stack, but hostile nesting still costs memory.
    const auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
        if (depth > 64) throw Error(ExitCode::kRunFailed, "JSON is nested deeper than 64 levels");
        return true;
    };
    try {
        Json value = Json::parse(text, limit_depth);
        if (!value.is_object()) throw Error(ExitCode::kRunFailed, "it is not a JSON object");
        return value;
    } catch (const std::exception& e) {
        throw Error(ExitCode::kRunFailed, "cannot read '" + origin + "': " + e.what());
    }
}

std::optional<Json> read_record(const std::filesystem::path& path, int newest_schema) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return std::nullopt;
    Json record = parse_json_object(read_file(path), path.string());
    const auto schema = record.find("schema");
    if (schema == record.end() || !schema->is_number_integer())
        throw Error(ExitCode::kRunFailed, "'" + path.string() + "' has no schema version");
    if (schema->get<int>() > newest_schema)
        throw Error(ExitCode::kRunFailed,
                    "'" + path.string() + "' was written by a newer r1ctl (schema " +
                        schema->dump() + "; this one knows " + std::to_string(newest_schema) + ")");
    return record;
}

void write_record(const std::filesystem::path& path, const Json& record) {
    write_file_durably(path, record.dump(2) + "\n");
}

std::vector<Json> read_json_lines(const std::filesystem::path& path, std::uint64_t& offset) {
    std::vector<Json> lines;
    std::ifstream in(path, std::ios::binary);
    if (!in.seekg(static_cast<std::streamoff>(offset))) return lines;
    std::string line;
    while (std::getline(in, line)) {
        if (in.eof()) break;  // no newline yet: the writer is in the middle of it
        offset += line.size() + 1;
        Json value = Json::parse(line, nullptr, false);
        if (value.is_object()) lines.push_back(std::move(value));
    }
    return lines;
}

}  // namespace r1
