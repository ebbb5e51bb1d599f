// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/device_type.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "common/error.h"
#include "common/json.h"

namespace r1 {

namespace {

bool is_letter_or_digit(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// In small letters, with one space for all that is neither letter nor digit.
std::string plain(const std::string& name) {
    std::string text;
    for (const char c : name)
        text += is_letter_or_digit(c)
                    ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
                    : ' ';
    return text;
}

std::optional<std::int64_t> count_in(const Json& node) {
    const auto field = node.find("slurm_gpus_on_node");
    if (field == node.end() || !field->is_string()) return std::nullopt;
    const std::string text = field->get<std::string>();
    std::int64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, count);
    if (parsed.ec != std::errc{} || parsed.ptr != end || count < 0) return std::nullopt;
    return count;
}

std::optional<Json> node_record(const RunDirectory& run, int attempt, const std::string& node) {
    try {
        return read_record(run.attempt_node(attempt, node), 1);
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

NodeInventory inventory_of(const RunDirectory& run, const AttemptRecord& attempt) {
    NodeInventory inventory;
    if (!attempt.slurm) return inventory;
    std::set<std::string> names;
    inventory.gpus = 0;
    for (const std::string& node : attempt.slurm->nodes) {
        const auto record = node_record(run, attempt.number, node);
        const auto count = record ? count_in(*record) : std::nullopt;
        if (!count) inventory.gpus.reset();
        if (inventory.gpus) *inventory.gpus += *count;
        if (!record || !record->contains("gpus") || !record->at("gpus").is_array()) continue;
        for (const Json& gpu : record->at("gpus"))
            if (gpu.is_object() && gpu.contains("name") && gpu.at("name").is_string())
                names.insert(gpu.at("name").get<std::string>());
    }
    inventory.names.assign(names.begin(), names.end());
    return inventory;
}

std::string gpu_type_of(const std::string& driver_name, const std::vector<std::string>& known) {
    const std::string name = plain(driver_name);
    std::string best;
    for (const std::string& type : known)
        if (!type.empty() && type.size() > best.size() &&
            name.find(plain(type)) != std::string::npos)
            best = type;
    if (!best.empty()) return best;
    // The model is the first word with a digit in it: "h100", "rtx" "4090", "mi300x".
    for (std::size_t start = 0; start < name.size();) {
        const std::size_t end = std::min(name.find(' ', start), name.size());
        const std::string word = name.substr(start, end - start);
        if (std::any_of(word.begin(), word.end(), is_digit)) return word;
        start = end + 1;
    }
    return "";
}

std::string gpu_types_of(const std::vector<std::string>& driver_names,
                         const std::vector<std::string>& known) {
    std::set<std::string> types;
    for (const std::string& name : driver_names) types.insert(gpu_type_of(name, known));
    types.erase("");
    std::string text;
    for (const std::string& type : types) text += (text.empty() ? "" : "+") + type;
    return text;
}

}  // namespace r1
