// SPDX-License-Identifier: Apache-2.0
// SQLite, as far as the index needs it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace r1 {

/// Whatever SQLite says: damage, a full disk. The index is thrown away then, and made anew.
class DatabaseError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// A prepared statement: bind, then step; it is ready again after the last row.
class Statement {
  public:
    /// Numbers and texts in the order of the question marks; texts must live until the last step.
    template <class... Values>
    Statement& bind(const Values&... values) {
        int place = 0;
        (bind_at(++place, values), ...);
        return *this;
    }
    /// Whether there is another row. After the last one the statement begins anew.
    bool step();
    void run();  ///< for statements without rows
    std::int64_t number(int column) const;
    int small(int column) const { return static_cast<int>(number(column)); }
    std::optional<std::int64_t> number_or_null(int column) const;
    std::string text(int column) const;

  private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
    void bind_at(int place, std::int64_t value);
    void bind_at(int place, int value) { bind_at(place, std::int64_t{value}); }
    void bind_at(int place, std::string_view text);
    void bind_at(int place, const std::string& text) { bind_at(place, std::string_view(text)); }
    void bind_at(int place, std::optional<std::int64_t> value);

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Takes no locks of its own: who opens it holds one. Every call throws DatabaseError.
class Database {
  public:
    enum class Mode { kRead, kWrite };  ///< kWrite makes the file if there is none
    Database(const std::filesystem::path& path, Mode mode);
    /// Statements of a database go before it.
    Statement prepare(std::string_view sql);
    void run(const char* sql);
    std::int64_t pragma(const std::string& name);

  private:
    struct Close {
        void operator()(sqlite3* database) const noexcept;
    };
    std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace r1
