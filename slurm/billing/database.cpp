// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/database.h"

#include <sqlite3.h>

namespace r1 {

namespace {

[[noreturn]] void fail(sqlite3* database) {
    throw DatabaseError(database == nullptr ? "out of memory" : sqlite3_errmsg(database));
}

void check(int result, sqlite3* database) {
    if (result != SQLITE_OK) fail(database);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

bool Statement::step() {
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) return true;
    sqlite3* const database = sqlite3_db_handle(statement_.get());
    if (result != SQLITE_DONE) fail(database);
    check(sqlite3_reset(statement_.get()), database);
    return false;
}

void Statement::run() {
    while (step()) {
    }
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::int64_t> Statement::number_or_null(int column) const {
    if (sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) return std::nullopt;
    return number(column);
}

std::string Statement::text(int column) const {
    const unsigned char* const text = sqlite3_column_text(statement_.get(), column);
    if (text == nullptr) return {};
    const int bytes = sqlite3_column_bytes(statement_.get(), column);
    return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(bytes)};
}

void Statement::bind_at(int place, std::int64_t value) {
    check(sqlite3_bind_int64(statement_.get(), place, value), sqlite3_db_handle(statement_.get()));
}

void Statement::bind_at(int place, std::string_view text) {
    // A null pointer would bind NULL; an empty view may hold one.
    check(sqlite3_bind_text(statement_.get(), place, text.empty() ? "" : text.data(),
                            static_cast<int>(text.size()), SQLITE_STATIC),
          sqlite3_db_handle(statement_.get()));
}

void Statement::bind_at(int place, std::optional<std::int64_t> value) {
    if (value) return bind_at(place, *value);
    check(sqlite3_bind_null(statement_.get(), place), sqlite3_db_handle(statement_.get()));
}

void Database::Close::operator()(sqlite3* database) const noexcept {
    sqlite3_close_v2(database);
}

Database::Database(const std::filesystem::path& path, Mode mode) {
    const int flags =
        mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3* opened = nullptr;
    const int result = sqlite3_open_v2(path.c_str(), &opened, flags, "unix-none");
    database_.reset(opened);
    check(result, opened);
}

Statement Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                             SQLITE_PREPARE_PERSISTENT, &statement, nullptr),
          database_.get());
    return Statement(statement);
}

void Database::run(const char* sql) {
    check(sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr), database_.get());
}

std::int64_t Database::pragma(const std::string& name) {
    Statement statement = prepare("PRAGMA " + name);
    return statement.step() ? statement.number(0) : 0;
}

}  // namespace r1
