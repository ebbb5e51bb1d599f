// SPDX-License-Identifier: Apache-2.0
// What all tables share.
#include <algorithm>

#include "recipes/schema.h"

namespace r1 {

namespace {

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

const Row* Table::find_row(std::string_view key) const {
    for (const Row& row : rows)
        if (row.key == key) return &row;
    return nullptr;
}

const Section* Table::find_section(std::string_view key) const {
    for (const Section& section : sections)
        if (section.key == key) return &section;
    return nullptr;
}

const List* Table::find_list(std::string_view key) const {
    for (const List& list : lists)
        if (list.key == key) return &list;
    return nullptr;
}

StageKinds kinds_of(const List& list, const void* item) {
    if (list.kind_key.empty()) return kAnyStage;
    const Value kind = list.table->find_row(list.kind_key)->get(item);
    return only(static_cast<StageKind>(std::get<std::int64_t>(kind)));
}

std::string kinds_text(StageKinds kinds) {
    std::string text;
    for (const StageKind kind : {StageKind::kSft, StageKind::kGrpo, StageKind::kSample}) {
        if ((kinds & only(kind)) == 0) continue;
        if (!text.empty()) text += " and ";
        text += to_name(kind);
    }
    return text;
}

std::string check_name(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const bool fits =
        !text.empty() && text.size() <= 40 && letter(text.front()) &&
        std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || c == '-'; });
    return fits ? ""
                : "is not a name; use small letters, digits and '-', at most 40, starting with a "
                  "letter or a digit";
}

std::string check_gpu_type(std::string_view text) {
    const bool fits =
        text.empty() ||
        (is_alphanumeric(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
             return is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
         }));
    return fits ? "" : "is not Slurm's name of a GPU; use letters, digits, '_', '-' and '.'";
}

std::string check_currency(std::string_view text) {
    const bool code = text.size() == 3 && std::all_of(text.begin(), text.end(),
                                                      [](char c) { return c >= 'A' && c <= 'Z'; });
    return code ? "" : "is not a currency; write its three capital letters, as in USD";
}

std::string check_currency_or_none(std::string_view text) {
    return text.empty() ? "" : check_currency(text);
}

std::string check_present(std::string_view text) {
    return text.empty() ? "is empty" : "";
}

}  // namespace r1
