// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"

namespace r1 {

namespace {

constexpr int kMostLevels = 64;

/// Bounded depth: the library parses with a stack of its own, but it writes and copies recursively.
/// Looked at before, as asking during the parse makes the parse half as fast.
void check_depth(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string && c == '\\') ++i;
        if (c == '"') in_string = !in_string;
        if (in_string) continue;
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        if (depth > kMostLevels)
            throw Error(ExitCode::kRunFailed,
                        "JSON is nested deeper than " + std::to_string(kMostLevels) + " levels");
    }
}

bool is_newer(const Json& schema, int newest) {
    if (schema.is_number_unsigned())
        return schema.get<std::uint64_t>() > static_cast<std::uint64_t>(newest);
    return schema.get<std::int64_t>() > newest;
}

}  // namespace

Json parse_json_object(std::string_view text, const std::string& origin) {
    try {
        check_depth(text);
        Json value = Json::parse(text);
        if (!value.is_object()) throw Error(ExitCode::kRunFailed, "it is not a JSON object");
        return value;
    } catch (const std::exception& e) {
        throw Error(ExitCode::kRunFailed, "cannot read '" + origin + "': " + e.what());
    }
}

std::optional<Json> read_record(const std::filesystem::path& path, int newest_schema) {
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) {
        if (!failed) return std::nullopt;
        throw Error(ExitCode::kRunFailed,
                    "cannot read '" + path.string() + "': " + failed.message());
    }
    Json record = parse_json_object(read_file(path), path.string());
    const auto schema = record.find("schema");
    if (schema == record.end() || !schema->is_number_integer())
        throw Error(ExitCode::kRunFailed, "'" + path.string() + "' has no schema version");
    if (is_newer(*schema, newest_schema))
        throw Error(ExitCode::kRunFailed,
                    "'" + path.string() + "' was written by a newer r1ctl (schema " +
                        schema->dump() + "; this one knows " + std::to_string(newest_schema) + ")");
    return record;
}

void write_record(const std::filesystem::path& path, const Json& record) {
    // A record may quote a foreign program's output; bytes that are no UTF-8 must not lose the
    // record.
    const std::string text = record.dump(2, ' ', false, Json::error_handler_t::replace);
    write_file_durably(path, text + "\n");
}

std::vector<Json> read_json_lines(const std::filesystem::path& path, std::uint64_t& offset) {
    std::vector<Json> lines;
    std::ifstream in(path, std::ios::binary);
    if (!in.seekg(static_cast<std::streamoff>(offset))) return lines;
    std::string line;
    while (std::getline(in, line)) {
        if (in.eof()) break;  // no newline yet: the writer is in the middle of it
        offset += line.size() + 1;
        try {
            lines.push_back(parse_json_object(line, path.string()));
        } catch (const Error&) {
            continue;
        }
    }
    return lines;
}

}  // namespace r1
