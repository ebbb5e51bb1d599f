// SPDX-License-Identifier: Apache-2.0
#include "cli/output/table.h"

#include <algorithm>
#include <ostream>

#include "common/text.h"

namespace r1::cli {

namespace {

/// Characters, not bytes: every byte that does not continue a UTF-8 sequence starts one.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
    }));
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    for (std::string& cell : cells) cell = printable(cell);
    rows_.push_back(std::move(cells));
}

bool Table::is_shown(std::size_t column) const {
    if (!columns_[column].optional) return true;
    return std::any_of(rows_.begin(), rows_.end(), [&](const std::vector<std::string>& row) {
        return !row[column].empty() && row[column] != "-";
    });
}

void Table::print(std::ostream& out) const {
    std::vector<std::size_t> shown;
    std::vector<std::size_t> widths(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (is_shown(i)) shown.push_back(i);
        widths[i] = width_of(columns_[i].title);
        for (const auto& row : rows_) widths[i] = std::max(widths[i], width_of(row[i]));
    }
    const auto print_row = [&](const auto& cell_at) {
        std::string line;
        for (const std::size_t i : shown) {
            const std::string& cell = cell_at(i);
            const std::string space(widths[i] - width_of(cell), ' ');
            line += i == shown.front() ? "" : "  ";
            line += columns_[i].align == Align::kRight ? space + cell : cell + space;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out << line << '\n';
    };
    print_row([&](std::size_t i) -> const std::string& { return columns_[i].title; });
    for (const auto& row : rows_)
        print_row([&](std::size_t i) -> const std::string& { return row[i]; });
}

}  // namespace r1::cli
