// SPDX-License-Identifier: Apache-2.0
// Reading the fields of a run's records. Folder-private.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/error.h"
#include "common/json.h"

namespace r1 {

/// Runs `read` on the record; nullopt when there is none. A missing key or a wrong type becomes an
/// Error with the file's name.
template <class Read>
auto read_fields(const std::filesystem::path& path, int schema, Read read)
    -> std::optional<decltype(read(std::declval<const Json&>()))> {
    const std::optional<Json> record = read_record(path, schema);
    if (!record) return std::nullopt;
    try {
        return read(*record);
    } catch (const Json::exception& e) {
        throw Error(ExitCode::kRunFailed, "'" + path.string() + "' is damaged: " + e.what());
    }
}

/// nullopt for a key that is not there or null.
template <class T>
std::optional<T> optional_field(const Json& record, const char* key) {
    const auto value = record.find(key);
    if (value == record.end() || value->is_null()) return std::nullopt;
    return value->get<T>();
}

}  // namespace r1
