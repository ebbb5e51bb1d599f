// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace r1::cli {

/// A plain table: two spaces between columns, no lines, nothing after the last cell. What is not
/// printable in a cell is escaped.
class Table {
  public:
    enum class Align { kLeft, kRight };
    struct Column {
        std::string title;
        Align align = Align::kLeft;
        bool optional = false;  ///< left out when no row has anything but "-" in it
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    /// One cell a column.
    void add(std::vector<std::string> cells);
    void print(std::ostream& out) const;

  private:
    bool is_shown(std::size_t column) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace r1::cli
