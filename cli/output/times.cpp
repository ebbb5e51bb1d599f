// SPDX-License-Identifier: Apache-2.0
#include "cli/output/times.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "common/time.h"

namespace r1::cli {

namespace {

std::tm local_parts(std::int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::localtime_r(&time, &parts);
    return parts;
}

/// "node007" is the stem "node" and the digits "007".
struct NodeName {
    std::string stem;
    std::string digits;
};

NodeName parts_of(const std::string& name) {
    std::size_t start = name.size();
    while (start > 0 && name[start - 1] >= '0' && name[start - 1] <= '9') --start;
    if (name.size() - start > 9) start = name.size();  // no number that is counted with
    return {name.substr(0, start), name.substr(start)};
}

/// Neighbours in one bracket: the same stem, the same number of digits.
bool belong_together(const NodeName& a, const NodeName& b) {
    const bool same_width =
        a.digits.size() == b.digits.size() || (a.digits.front() != '0' && b.digits.front() != '0');
    return a.stem == b.stem && same_width;
}

/// The numbers of names[from, to) as "1-2,4".
std::string ranges(const std::vector<NodeName>& names, std::size_t from, std::size_t to) {
    std::string text;
    for (std::size_t i = from; i < to;) {
        std::size_t last = i;
        while (last + 1 < to &&
               std::stol(names[last + 1].digits) == std::stol(names[last].digits) + 1)
            ++last;
        text += (text.empty() ? "" : ",") + names[i].digits;
        if (last > i) text += "-" + names[last].digits;
        i = last + 1;
    }
    return text;
}

}  // namespace

std::string local_time(std::int64_t seconds, std::int64_t now_s) {
    const std::tm parts = local_parts(seconds);
    const std::tm today = local_parts(now_s);
    const bool same_day = parts.tm_year == today.tm_year && parts.tm_yday == today.tm_yday;
    std::array<char, 64> text{};
    std::strftime(text.data(), text.size(), same_day ? "%H:%M %Z" : "%a %d %b %H:%M %Z", &parts);
    return text.data();
}

std::string expected_time(std::int64_t seconds, std::int64_t now_s) {
    const std::string in =
        seconds > now_s ? "in " + short_duration(static_cast<double>(seconds - now_s)) : "now due";
    return local_time(seconds, now_s) + " (" + in + ")";
}

std::string folded_nodes(const std::vector<std::string>& nodes) {
    std::vector<NodeName> names;
    for (const std::string& node : nodes) names.push_back(parts_of(node));
    std::string text;
    for (std::size_t i = 0; i < names.size();) {
        std::size_t end = i + 1;
        while (end < names.size() && !names[i].digits.empty() && !names[end].digits.empty() &&
               belong_together(names[i], names[end]))
            ++end;
        text += text.empty() ? "" : ",";
        text += end - i == 1 ? nodes[i] : names[i].stem + "[" + ranges(names, i, end) + "]";
        i = end;
    }
    return text;
}

}  // namespace r1::cli
