// SPDX-License-Identifier: Apache-2.0
#include "recipes/relation.h"

namespace r1 {

namespace {

std::string last_part(const std::string& path) {
    return path.substr(path.rfind('.') + 1);
}

}  // namespace

Place Relations::place_of(const std::string& path) const {
    std::string inner = path;
    if (const auto value = origins_.values.find(path); value != origins_.values.end())
        return value->second;
    // A default stands nowhere: point at the nearest section around it.
    while (!inner.empty()) {
        inner.erase(inner.rfind('.') == std::string::npos ? 0 : inner.rfind('.'));
        const auto section = origins_.sections.find(inner);
        if (section != origins_.sections.end()) return section->second;
    }
    return origins_.sections.at("");
}

bool Relations::require(bool holds, const std::string& path, const std::string& other,
                        const std::string& message) {
    if (!known(path) || !known(other)) return false;
    if (holds) return true;
    const bool swap = !is_set(path) && is_set(other);
    const std::string& second = swap ? path : other;
    problems_.add(
        place_of(swap ? other : path),
        message + " (" + last_part(second) +
            (is_set(second) ? " is set at " + to_string(place_of(second)) : " is the default") +
            ")");
    return false;
}

bool Relations::require(bool holds, const std::string& path, const std::string& message) {
    if (!known(path)) return false;
    if (!holds) problems_.add(place_of(path), message);
    return holds;
}

}  // namespace r1
